"""Windows of a document around a place, whose borders move rarely and in large steps. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text


def window_start(text: Text, offset: int, n_characters: int) -> int:
    """Where the text before an offset begins, if possible a line's start, at most ``n_characters`` before it.

    A window that slid by a character at each keystroke would change the prompt's beginning each time, and no KV
    after it could be reused. So the border stays where it is until the window is full and then moves on by a quarter
    of the window. The start of the next line is taken if it is less than such a step away; in a line longer than that
    the window begins within the line.
    """
    if offset <= n_characters:
        return 0
    step = max(1, n_characters // 4)
    border = -(-(offset - n_characters) // step) * step
    line = text.line_of(border)
    next_line = text.line_start(line + 1) if line + 1 < text.n_lines else len(text)
    return next_line if next_line - border < step else border


def window_end(text: Text, offset: int, n_characters: int) -> int:
    """Where the text after an offset ends: a line's end at most ``n_characters`` away, or within too long a line."""
    end = offset + n_characters
    if end >= len(text):
        return len(text)
    start_of_line = text.line_start(text.line_of(end))
    return start_of_line if start_of_line > offset else end


def with_line_feeds(text: str) -> str:
    r"""The text with ``\n`` for every line terminator, which is what models were trained on."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
