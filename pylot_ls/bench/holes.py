"""What a person types in ``bench quality``: holes in source files, the rest of the file standing around them. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.bench.edits import hole_in_line

if TYPE_CHECKING:
    import random

_LONGEST_RUN_LINES = 6
_LONGEST_RUN_CHARACTERS = 400
# A longer line is data.
_LONGEST_LINE = 200
# The share of the holes that lie within a line, with text behind the cursor on the same line.
_WITHIN_LINE_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Hole:
    """A part of a file that is missing when the file is opened.

    Attributes:
        before, text, after: the whole file; the hole is ``text``, and begins with a line feed where whole lines are
            missing.
    """

    before: str
    text: str
    after: str

    @property
    def cursor(self) -> tuple[int, int]:
        """Line and column, from 0, at which the typing begins."""
        return self.before.count("\n"), len(self.before) - (self.before.rfind("\n") + 1)


def choose_holes(source: str, n_holes: int, chooser: random.Random) -> tuple[Hole, ...]:
    r"""At most so many holes, spread over the file and none over another.

    Two in three are one to six whole lines, of 400 characters at most, the others 2 to 24 characters within a line.
    Lines of more than 200 characters are not typed, nor is the first, before which nothing stands.

    Args:
        source: line terminators are ``\n``.
        n_holes: how many; fewer where the file has less to type.
        chooser: makes the same choice in the same state.
    """
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    n_strata = min(n_holes, len(lines) - 1)
    borders = [1 + (len(lines) - 1) * number // n_strata for number in range(n_strata + 1)] if n_strata else []
    holes = []
    for first, stop in itertools.pairwise(borders):
        candidates = [number for number in range(first, stop) if _is_typed(lines[number])]
        if candidates:
            start, end = _span(lines, starts, chooser.choice(candidates), stop, chooser)
            holes.append(Hole(source[:start], source[start:end], source[end:]))
    return tuple(holes)


def _is_typed(line: str) -> bool:
    return bool(line.strip()) and len(line) <= _LONGEST_LINE


def _span(lines: list[str], starts: list[int], first: int, stop: int, chooser: random.Random) -> tuple[int, int]:
    """The offsets of a hole that begins in the line ``first`` and ends before the line ``stop``."""
    if chooser.random() < _WITHIN_LINE_SHARE:
        columns = hole_in_line(lines[first], chooser)
        if columns is not None and lines[first][slice(*columns)].strip():
            return starts[first] + columns[0], starts[first] + columns[1]
    n_lines = chooser.randint(1, _LONGEST_RUN_LINES)
    last = first
    for number in range(first + 1, min(stop, first + n_lines)):
        if len(lines[number]) > _LONGEST_LINE or starts[number + 1] - starts[first] > _LONGEST_RUN_CHARACTERS:
            break
        if lines[number].strip():
            last = number
    # With the line feed before it, which is what Return types, and without the one behind.
    return starts[first] - 1, starts[last + 1] - 1
