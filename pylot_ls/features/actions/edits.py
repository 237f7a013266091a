"""Edits that change no more than they must, and where they belong in a text that has changed meanwhile. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pylot_ls.syntax.definitions import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.text.difference import Edit
    from pylot_ls.text.rope import Text

# With what ends it; no other character does.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Replacement:
    """Something to stand in a text instead of what stands from one offset to before another, in characters."""

    start: int
    end: int
    text: str


def minimal(before: str, after: str, offset: int = 0) -> tuple[Replacement, ...]:
    """What changes a text to another: whole lines, only those that differ, in their order.

    Args:
        before: the text.
        after: what it is to be.
        offset: where the first one begins in the text that the replacements are for.
    """
    old, new = _LINE.findall(before), _LINE.findall(after)
    starts = [offset]
    for line in old:
        starts.append(starts[-1] + len(line))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return tuple(
        Replacement(starts[old_start], starts[old_end], "".join(new[new_start:new_end]))
        for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes()
        if tag != "equal"
    )


def applied(text: str, replacements: Sequence[Replacement]) -> str:
    """The text with all of them made; their offsets are the text's."""
    for each in sorted(replacements, key=_start, reverse=True):
        text = text[: each.start] + each.text + text[each.end :]
    return text


def whole_lines(text: Text, start: int, end: int) -> Span:
    """The lines that a part of a text is in, without the last one's terminator."""
    return Span(text.line_start(text.line_of(start)), text.line_end(text.line_of(max(start, end))))


def rebased(
    replacements: Sequence[Replacement], guard: Span, then: Text, edits: Sequence[Edit], now: Text
) -> tuple[Replacement, ...] | None:
    """The replacements as they belong into a text that was edited since they were made.

    Args:
        replacements: for the text as it was.
        guard: the lines of it that must be as they were, whole ones; what is replaced is within them.
        then: the text as it was.
        edits: all that was edited since, in order.
        now: the text as it is.

    Returns:
        The replacements with their offsets moved; None where one of the lines was touched.
    """
    start = _moved(guard, edits)
    if start is None:
        return None
    end = start + guard.end - guard.start
    if now.slice(start, end) != then.slice(guard.start, guard.end) or not _are_whole_lines(now, start, end):
        return None
    shift = start - guard.start
    return tuple(replace(each, start=each.start + shift, end=each.end + shift) for each in replacements)


def _moved(guard: Span, edits: Sequence[Edit]) -> int | None:
    """Where something begins after edits; None where one was made within it."""
    start, length = guard.start, guard.end - guard.start
    for edit in edits:
        if edit.start == edit.end == edit.new_end:
            continue
        if edit.end <= start:
            start += edit.new_end - edit.end
        elif edit.start < start + length:
            return None
    return start


def _are_whole_lines(text: Text, start: int, end: int) -> bool:
    if end > len(text):
        return False
    first, last = text.line_of(start), text.line_of(end)
    return text.line_start(first) == start and text.line_end(last) == end


def _start(replacement: Replacement) -> tuple[int, int]:
    return replacement.start, replacement.end
