"""Windows of a document around a place, whose borders move rarely and in large steps. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text


def text_before(text: Text, offset: int, n_characters: int) -> str:
    r"""The text before an offset, if possible from a line's start, at most ``n_characters`` of it.

    A window that slid by a character at each keystroke would change the prompt's beginning each time, and no KV
    after it could be reused. So the border stays where it is until the window is full and then moves on by a quarter
    of the window. The start of the next line is taken if it is less than such a step away; in a line longer than that
    the window begins within the line. Line terminators are given as ``\n``, which is what models were trained on.
    """
    return with_line_feeds(text.slice(window_start(text, offset, n_characters), offset))


def text_after(text: Text, offset: int, n_characters: int) -> str:
    r"""The text after an offset, to a line's end at most ``n_characters`` away; line terminators are ``\n``."""
    end = min(len(text), offset + n_characters)
    if end < len(text):
        line = text.line_of(end)
        # A line longer than the window is cut where the window ends.
        end = text.line_start(line) if text.line_start(line) > offset else end
    return with_line_feeds(text.slice(offset, end))


def window_start(text: Text, offset: int, n_characters: int) -> int:
    """Where the window before an offset begins, see ``text_before``."""
    if offset <= n_characters:
        return 0
    step = max(1, n_characters // 4)
    border = -(-(offset - n_characters) // step) * step
    line = text.line_of(border)
    next_line = text.line_start(line + 1) if line + 1 < text.n_lines else len(text)
    return next_line if next_line - border < step else border


def with_line_feeds(text: str) -> str:
    r"""The text with ``\n`` for every line terminator."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
