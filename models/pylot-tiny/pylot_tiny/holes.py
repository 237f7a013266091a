"""Places where somebody types in a source file, and what is missing there: the middles of training samples. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_LONGEST_LINE = 200
_LONGEST_HOLE_CHARACTERS = 600
_MOST_LINES = 8
_MOST_BLOCK_LINES = 16
# How far a docstring is looked for.
_LINES_TO_DOCSTRING = 80
_TRIES = 20
# A line that opens a block, and a docstring's beginning.
_OPENS_BLOCK = re.compile(r".*:\s*(#.*)?$")
_DOCSTRING = re.compile(r"\s*[rRuU]?(\"\"\"|''')")

# How often each kind of hole is made; they are what people leave to be completed.
KINDS = {"rest of line": 0.40, "lines": 0.20, "block": 0.13, "within line": 0.17, "statement": 0.06, "docstring": 0.04}


def choose_hole(text: str, chooser: random.Random) -> tuple[int, int] | None:
    """The offsets of a hole in a text: where the cursor is, and where what is missing ends; None if none was found.

    The cursor stands at any character; what is missing ends where a line, a statement, a block or a docstring ends,
    or within a line.
    """
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    kind = chooser.choices(list(KINDS), list(KINDS.values()))[0]
    for _ in range(_TRIES):
        number = chooser.randrange(len(lines))
        line = lines[number]
        if not line.strip() or len(line) > _LONGEST_LINE:
            continue
        if kind == "docstring":
            following = range(number, min(len(lines), number + _LINES_TO_DOCSTRING))
            number = next((each for each in following if _DOCSTRING.match(lines[each])), number)
        found = _hole(kind, lines, number, chooser)
        if found is None:
            continue
        column, last, end_column = found
        start, end = starts[number] + column, starts[last] + end_column
        if start < end <= start + _LONGEST_HOLE_CHARACTERS and text[start:end].strip():
            return start, end
    return None


def _hole(kind: str, lines: list[str], number: int, chooser: random.Random) -> tuple[int, int, int] | None:
    """The column where a hole in a line begins, its last line, and the column there where it ends."""
    line = lines[number]
    n_indent = len(line) - len(line.lstrip())
    column = chooser.randint(n_indent, len(line) - 1)
    if kind == "rest of line":
        return column, number, len(line)
    if kind == "within line":
        return column, number, chooser.randint(column + 1, min(len(line), column + 24))
    if kind == "docstring":
        return _docstring(lines, number, n_indent)
    # Half of them begin with the line, before its indentation is there, as after Return in an editor that makes none.
    column = chooser.choice((0, n_indent, n_indent, column))
    if kind == "lines":
        last = min(len(lines) - 1, number + chooser.randint(0, _MOST_LINES - 1))
    elif kind == "statement":
        last = _end_of_statement(lines, number)
    else:
        last = _end_of_block(lines, number)
    while last > number and not lines[last].strip():
        last -= 1
    return column, last, len(lines[last])


def _docstring(lines: list[str], number: int, n_indent: int) -> tuple[int, int, int] | None:
    opening = _DOCSTRING.match(lines[number])
    if opening is None:
        return None
    mark = opening[1]
    if mark in lines[number][opening.end() :]:
        return opening.end(), number, len(lines[number])
    for last in range(number + 1, min(len(lines), number + _MOST_BLOCK_LINES)):
        if mark in lines[last]:
            return opening.end(), last, len(lines[last])
    return n_indent, number, len(lines[number])


def _end_of_statement(lines: list[str], number: int) -> int:
    """The last line of the statement that begins in a line: while a bracket is open."""
    depth = 0
    for last in range(number, min(len(lines), number + _MOST_LINES)):
        line = lines[last]
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
        if depth <= 0 and not line.endswith("\\"):
            return last
    return number


def _end_of_block(lines: list[str], number: int) -> int:
    """The last line that is indented as much as this one, or more if this one opens a block."""
    line = lines[number]
    n_indent = len(line) - len(line.lstrip())
    least = n_indent + 1 if _OPENS_BLOCK.match(line) else max(1, n_indent)
    last = number
    for following in range(number + 1, min(len(lines), number + _MOST_BLOCK_LINES)):
        other = lines[following]
        if other.strip():
            if len(other) - len(other.lstrip()) < least:
                break
            last = following
    return last
