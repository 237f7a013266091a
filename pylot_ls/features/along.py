r"""Whether somebody types along a suggestion. Pure.

Line terminators are ``\n`` in all texts here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.features.shape import indent_width

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOSERS = {"(": ")", "[": "]", "{": "}", "<": ">", '"': '"', "'": "'", "`": "`"}
_QUOTES = frozenset("\"'`")
_TRIPLE = re.compile(r"\"{3}|'{3}|`{3}")
_OPENER = re.compile(r"\"{3}|'{3}|`{3}|[(\[{<\"'`]")
# What an editor puts behind the cursor by itself, and after Return between two brackets the line of the closing one.
_CLOSED = re.compile(r"(?:[)\]}>\"'`]|[ \t]*\n[ \t]*(?=[)\]}]))*")
_CLOSER = re.compile(r"[)\]}>\"'`]*")
# More than this nobody has open within one suggestion.
MOST_CLOSED = 64


def n_typed(suggestion: str, typed: str) -> int | None:
    """How many characters of a suggestion stand typed; None where something else does.

    An editor that indents the line after Return may do so in its own way: the indentation counts by its width, and as
    far as it goes.
    """
    if suggestion.startswith(typed):
        return len(typed)
    lines, typed_lines = suggestion.split("\n"), typed.split("\n")
    if len(typed_lines) > len(lines) or not lines[0].startswith(typed_lines[0]):
        return None
    n = 0
    for line, typed_line in zip(lines[: len(typed_lines) - 1], typed_lines, strict=False):
        if (_n_typed_of_line(line, typed_line) if n else len(typed_line)) != len(line):
            return None
        n += len(line) + 1
    n_last = _n_typed_of_line(lines[len(typed_lines) - 1], typed_lines[-1]) if n else None
    return None if n_last is None else n + n_last


def closed_behind(typed: str, now: str, before: str) -> str | None:
    """What the editor has closed behind the cursor while something was typed; None where it is not the same place.

    Args:
        typed: what was typed.
        now: the text behind the cursor, at least ``MOST_CLOSED`` longer than ``before`` unless it ends.
        before: what stood there before it was typed. Closing brackets that it begins with may have been typed over.
    """
    closed = _begin_of(now, _CLOSED)
    for n_over in range(len(_begin_of(before, _CLOSER)) + 1):
        if not _is_among(before[:n_over], iter(typed)):
            break
        for n in range(len(closed) + 1):
            if now.startswith(before[n_over:], n) and _could_be_closed(closed[:n], typed):
                return closed[:n]
    return None


def up_to_closer(text: str, closed: str) -> str:
    """A text up to where it closes what the editor has already closed behind it."""
    closers = "".join(closed.split())
    if not closers:
        return text
    triple = _TRIPLE.match(closers)
    waiting = [triple.group() if triple else closers[0]]
    at = 0
    while at < len(text):
        if text.startswith(waiting[-1], at):
            if len(waiting) == 1:
                return text[:at]
            at += len(waiting.pop())
        elif waiting[-1][0] in _QUOTES:
            at += 2 if text[at] == "\\" else 1
        else:
            opened = _OPENER.match(text, at)
            # This one mostly compares.
            if opened and (opened.group() != "<" or waiting[-1] == ">"):
                waiting.append(_CLOSERS.get(opened.group(), opened.group()))
            at += len(opened.group()) if opened else 1
    return text


def _n_typed_of_line(line: str, typed: str) -> int | None:
    """As ``n_typed``, of a line that Return has begun."""
    if line.startswith(typed):
        return len(typed)
    own, content = line[: len(line) - len(line.lstrip(" \t"))], typed.lstrip(" \t")
    width = indent_width(typed)
    n = next((n for n in range(len(own) + 1) if indent_width(own[:n]) == width), None)
    if n is None or not content:
        return n
    return n + len(content) if n == len(own) and line.startswith(content, n) else None


def _could_be_closed(closed: str, typed: str) -> bool:
    """Whether each closing bracket or quote has its opening one in what was typed, the last one first."""
    if closed[-1:].isspace():
        return False  # a line's end without the bracket behind it
    wanted = _TRIPLE.sub(lambda quotes: quotes.group()[0], "".join(closed.split()))
    return _is_among(wanted, (_CLOSERS[each] for each in reversed(typed) if each in _CLOSERS))


def _is_among(wanted: str, characters: Iterator[str]) -> bool:
    """Whether these characters are among others, in their order."""
    return all(each in characters for each in wanted)


def _begin_of(text: str, expression: re.Pattern[str]) -> str:
    found = expression.match(text[:MOST_CLOSED])
    return found.group() if found else ""
