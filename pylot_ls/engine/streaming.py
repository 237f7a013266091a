"""Bytes of tokens in, whole characters out, up to a stop text. Pure."""

from __future__ import annotations

import codecs


class TextStream:
    """Turns the bytes of successive tokens into text that may be shown at once.

    A token can end inside a UTF-8 character, and inside a stop text; what is not certain yet is held back. Bytes that
    are no UTF-8 become U+FFFD, as elsewhere in Python.

    Args:
        stop: the stream ends before the one of these that is complete first; where several are, the longest.
    """

    def __init__(self, stop: tuple[str, ...] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(text for text in stop if text)
        self._held = ""
        self.stopped = False

    def feed(self, data: bytes) -> str:
        """The text that these bytes make certain; "" while nothing is."""
        if self.stopped:
            return ""
        return self._release(self._held + self._decoder.decode(data))

    def finish(self) -> str:
        """The rest of the text when no more bytes come; an incomplete character is dropped."""
        if self.stopped:
            return ""
        rest, self._held = self._held, ""
        return rest

    def _release(self, text: str) -> str:
        # Ordered by their ends, not their beginnings: the outcome must not depend on how the bytes were split.
        found = [(at + len(stop), at) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            return text[: min(found)[1]]
        n_held = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - n_held :]
        return text[: len(text) - n_held]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` that is a proper beginning of ``stop``."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if stop.startswith(text[len(text) - n :])), 0)
