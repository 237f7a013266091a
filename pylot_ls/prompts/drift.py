"""How far a document has moved away from what is frozen of it. Pure.

A frozen prompt stays a good prompt when something far from the cursor changes; next to the cursor it must be true.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from pylot_ls.prompts.window import window_end, with_line_feeds
from pylot_ls.text.difference import n_equal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylot_ls.text.rope import Text

# Less than this share of the characters may stand in other lines.
_MOST_DIFFERENCE = 0.1
_LINES_AFTER = 3
_LINES_BEFORE = 40

_CLOSERS = ")]}>\"'`"
# What an editor puts behind the cursor by itself: closing brackets and quotes, and after Return between two brackets
# the line of the closing one.
_CLOSED = re.compile(r"(?:[)\]}>\"'`]|[ \t]*(?:\r\n|\r|\n)[ \t]*(?=[)\]}])){1,8}")
_MOST_CLOSED = 64


class Drift(enum.Enum):
    """How a text compares with its frozen copy."""

    NONE = enum.auto()
    SMALL = enum.auto()
    LARGE = enum.auto()


def lines_before(text: str) -> str:
    """The end of a frozen prefix that must be true: its last 40 lines."""
    start = len(text) - 1  # a terminator at the very end belongs to the last line
    for _ in range(_LINES_BEFORE):
        start = text.rfind("\n", 0, max(0, start))
        if start < 0:
            return text
    return text[start + 1 :]


def prefix_drift(text: Text, anchor: int, frozen: str) -> Drift:
    """Compare the text before an anchor with the frozen one; SMALL is less than a tenth."""
    now = text.slice(anchor - len(frozen), anchor)
    if now == frozen:
        return Drift.NONE
    return Drift.SMALL if _differ_little(with_line_feeds(frozen), with_line_feeds(now)) else Drift.LARGE


def suffix_drift(text: Text, cursor: int, frozen: str, n_characters: int) -> Drift:
    """Compare the text after the cursor with the frozen one, a window of ``n_characters``.

    What an editor closed by itself at the cursor does not count. SMALL: what is left of the cursor's line and the
    first three lines that are not blank are the same, and less than a tenth of the rest is not.
    """
    closed = _CLOSED.match(text.slice(cursor, cursor + _MOST_CLOSED))
    n_closed = closed.end() if closed else 0
    if any(_is_at(text, cursor + n, frozen, n_characters) for n in range(n_closed + 1)):
        return Drift.NONE
    old = with_line_feeds(frozen)
    for start in (cursor, cursor + n_closed):
        new = with_line_feeds(text.slice(start, window_end(text, start, n_characters)))
        if _opening(old) == _opening(new) and _differ_little(_below(old), _below(new)):
            return Drift.SMALL
    return Drift.LARGE


def _is_at(text: Text, start: int, frozen: str, n_characters: int) -> bool:
    # The few first characters nearly always tell.
    if text.slice(start, start + _MOST_CLOSED) != frozen[:_MOST_CLOSED]:
        return False
    return text.slice(start, window_end(text, start, n_characters)) == frozen


def _opening(suffix: str) -> list[str]:
    """What is left of the cursor's line without closing brackets, and the first three lines that are not blank."""
    first = suffix.split("\n", 1)[0].lstrip(_CLOSERS + " \t").rstrip()
    return [first, *islice(filter(str.strip, _lines(_below(suffix))), _LINES_AFTER - bool(first))]


def _below(suffix: str) -> str:
    """All but what is left of the cursor's line."""
    return suffix.partition("\n")[2]


def _lines(text: str) -> Iterator[str]:
    """The lines one after the other, for who needs but the first."""
    start, end = 0, text.find("\n")
    while end >= 0:
        yield text[start:end]
        start, end = end + 1, text.find("\n", end + 1)
    yield text[start:]


def _differ_little(old: str, new: str) -> bool:
    """Whether few characters stand in lines that the other text lacks.

    The order of lines and blank lines are not looked at.
    """
    # Mostly one place was edited, and the lines before it or behind it need not be told apart.
    start = old.rfind("\n", 0, n_equal(old, new)) + 1
    old_rest, new_rest = old[start:], new[start:]
    n_end = n_equal(old_rest[::-1], new_rest[::-1])
    n_end = len(old_rest) - ((old_rest.find("\n", len(old_rest) - n_end) + 1) or len(old_rest))
    old_rest, new_rest = old_rest[: len(old_rest) - n_end], new_rest[: len(new_rest) - n_end]
    few = _MOST_DIFFERENCE * max(1, len(old))
    if max(len(old_rest), len(new_rest)) < few:
        return True
    n_old, n_new = (Counter(filter(str.strip, rest.split("\n"))) for rest in (old_rest, new_rest))
    return max(_n_characters(n_old - n_new), _n_characters(n_new - n_old)) < few


def _n_characters(lines: Counter[str]) -> int:
    return sum((len(line) + 1) * n for line, n in lines.items())
