"""Which parts of a file a person types: whole lines and holes in lines, a few in one place, then in another. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.errors import DocumentError

if TYPE_CHECKING:
    import random

# Shares of keystrokes that the choice aims at.
_NEW_LINE_SHARE = 0.05
_JUMP_SHARE = 0.015
# Slips and their backspaces: keystrokes for one character that stays.
_KEYSTROKES_PER_CHARACTER = 1.2
# Lines further apart than this are different places.
_LINES_IN_A_PLACE = 12
# From so many places the next one is chosen, for the length of its lines; from fewer where the file has few.
_PLACES_TO_CHOOSE_FROM = 32
_SHARE_TO_CHOOSE_FROM = 1 / 4
_SHORTEST_HOLE = 2
_LONGEST_HOLE = 24
_LONGEST_HOLE_BEFORE_LINES = 24

_LINES_IN_A_RUN = 6


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of the file that is missing when it is opened. Lines and columns from 0, in the whole file.

    Attributes:
        line: which line.
        start, end: the columns that are typed; of a whole line all but its indentation.
        is_new_line: whether the line is missing as a whole.
        jumps: whether the person comes from another place in the file.
    """

    line: int
    start: int
    end: int
    is_new_line: bool
    jumps: bool

    @property
    def n_keystrokes(self) -> float:
        """How many it takes, on average."""
        return (self.end - self.start) * _KEYSTROKES_PER_CHARACTER + self.is_new_line


def choose_edits(lines: list[str], n_keystrokes: int, chooser: random.Random) -> list[Edit]:
    """Edits that take at least so many keystrokes, if the file has them, in the order they are made.

    The places come in random order. In each something is changed within a line, and new lines are opened below it.
    Empty for a file without a line of text after its first.
    """
    places = [range(first, min(len(lines), first + _LINES_IN_A_PLACE)) for first in _starts(lines)]
    chooser.shuffle(places)
    edits: list[Edit] = []
    n_typed, n_new_lines, n_jumps = 0.0, 0, 0
    here = 0
    while places and n_typed < n_keystrokes:
        place = _next_place(places, here, lines, shortest=n_new_lines <= _NEW_LINE_SHARE * n_typed)
        if not any(lines[line].strip() for line in place):
            continue
        n_jumps += 1
        for line in place:
            here = line
            if n_typed >= min(n_keystrokes, n_jumps / _JUMP_SHARE):
                # What is left of the place is visited another time.
                places.append(range(line, place.stop))
                break
            edit = _edit(line, lines[line], chooser, jumps=line == place.start)
            edits.append(edit)
            n_typed += edit.n_keystrokes
            n_new_lines += edit.is_new_line
    return edits


def _next_place(places: list[range], here: int, lines: list[str], *, shortest: bool) -> range:
    """Take one of the next places away: that of the shortest lines, or of the longest, and not where one is."""

    def mean_length(place: range) -> float:
        return sum(len(lines[line].strip()) for line in place) / len(place)

    n_candidates = min(_PLACES_TO_CHOOSE_FROM, math.ceil(len(places) * _SHARE_TO_CHOOSE_FROM))
    candidates = places[:n_candidates]
    elsewhere = [place for place in candidates if abs(place.start - here) >= _LINES_IN_A_PLACE] or candidates
    place = (min if shortest else max)(elsewhere, key=mean_length)
    places.remove(place)
    return place


def _starts(lines: list[str]) -> range:
    # Not the first line: nothing stands before it at whose end Return could be pressed.
    return range(1, len(lines), _LINES_IN_A_PLACE)


def _edit(number: int, line: str, chooser: random.Random, *, jumps: bool) -> Edit:
    """What is typed in a line: a hole in the first of a place, where it is long enough; else all of it."""
    hole = hole_in_line(line, chooser, _LONGEST_HOLE_BEFORE_LINES) if jumps else None
    if hole is not None:
        return Edit(number, *hole, is_new_line=False, jumps=True)
    n_indent = len(line) - len(line.lstrip())
    return Edit(number, n_indent, len(line), is_new_line=True, jumps=jumps)


def hole_in_line(line: str, chooser: random.Random, longest: int = _LONGEST_HOLE) -> tuple[int, int] | None:
    """The columns of a hole of at most ``longest`` characters in a line; None where the line is too short for one.

    At least the line's last character stays: the cursor is in the middle of the line.
    """
    n_indent = len(line) - len(line.lstrip())
    length = len(line) - n_indent
    if length <= _SHORTEST_HOLE:
        return None
    n_hole = chooser.randint(_SHORTEST_HOLE, min(longest, length - 1))
    start = n_indent + chooser.randint(0, length - 1 - n_hole)
    return start, start + n_hole


def without(lines: list[str], edits: list[Edit]) -> list[str]:
    """The lines of a file before the edits are made."""
    by_line = {edit.line: edit for edit in edits}
    opened = []
    for number, line in enumerate(lines):
        edit = by_line.get(number)
        if edit is None:
            opened.append(line)
        elif not edit.is_new_line:
            opened.append(line[: edit.start] + line[edit.end :])
    return opened


def choose_runs(lines: list[str], n_characters: int, chooser: random.Random) -> list[range]:
    """Runs of successive lines, spread over the file, with about as many characters as asked for.

    Raises:
        DocumentError: there is no line of text after the first.
    """
    starts = list(range(1, len(lines), 2 * _LINES_IN_A_RUN))
    chooser.shuffle(starts)
    runs: list[range] = []
    n_chosen = 0
    for start in starts:
        if n_chosen >= n_characters:
            break
        run = range(start, min(len(lines), start + _LINES_IN_A_RUN))
        if any(lines[number].strip() for number in run):
            runs.append(run)
            n_chosen += sum(len(lines[number]) + 1 for number in run)
    if not runs:
        raise DocumentError("the file has no line of text after its first to type; choose another")
    return runs
