"""The leaf of a text: a run of characters of bounded size, with what is counted in it."""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import final

# A chunk is copied at every keystroke in it, and the list of chunks is walked once: at these sizes both cost
# some ten microseconds in a file of 4 MB.
MIN_CHARS = 2048
TARGET_CHARS = 6144
MAX_CHARS = 8192


def utf8_length(text: str) -> int:
    """Length in bytes of UTF-8; a lone surrogate counts 3."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def utf16_length(text: str) -> int:
    """Length in code units of UTF-16; a lone surrogate counts 1."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _with_plain_breaks(text: str) -> str:
    r"""The text at the same length, with ``\n`` as the last character of each terminator and nowhere else.

    The terminators are LSP's: ``\n``, ``\r\n`` and ``\r``; form feed, U+2028 and the like end no line.
    """
    return text.replace("\r\n", " \n").replace("\r", "\n") if "\r" in text else text


@final
class Chunk:
    """An immutable run of characters.

    Attributes:
        text: the characters; never empty.
        n_chars, n_utf8, n_utf16: its length in code points and in the code units of each encoding.
        n_breaks: the line terminators in it.
    """

    __slots__ = ("_line_starts", "n_breaks", "n_chars", "n_utf8", "n_utf16", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.n_chars = len(text)
        self.n_utf8 = utf8_length(text)
        self.n_utf16 = utf16_length(text)
        self.n_breaks = _with_plain_breaks(text).count("\n")
        self._line_starts: array[int] | None = None

    def line_starts(self) -> array[int]:
        """The offsets in this chunk just after each terminator, ascending; the last may be its length."""
        # Found when first asked for: an edit makes chunks that nobody may ask.
        if self._line_starts is None:
            lines = _with_plain_breaks(self.text).split("\n")
            del lines[-1]
            self._line_starts = array("H", accumulate(len(line) + 1 for line in lines))
        return self._line_starts


def splits_crlf(before: str, after: str) -> bool:
    r"""Whether a chunk boundary between the two would stand inside a ``\r\n``."""
    return before.endswith("\r") and after.startswith("\n")


def cut(text: str) -> tuple[Chunk, ...]:
    r"""Cut text into chunks of nearly equal size, never inside a ``\r\n``.

    A text of at most MAX_CHARS becomes one chunk (the empty one none); a longer one becomes chunks between
    MIN_CHARS and MAX_CHARS.
    """
    if len(text) <= MAX_CHARS:
        return (Chunk(text),) if text else ()
    n_chunks = -(-len(text) // TARGET_CHARS)
    bounds = [len(text) * k // n_chunks for k in range(n_chunks + 1)]
    for k in range(1, n_chunks):
        if text[bounds[k] - 1 : bounds[k] + 1] == "\r\n":
            bounds[k] += 1
    return tuple(Chunk(text[bounds[k] : bounds[k + 1]]) for k in range(n_chunks))
