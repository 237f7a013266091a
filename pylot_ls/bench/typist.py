"""A person who types: a source file, with parts of it taken out, typed back key by key. Pure and repeatable."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.bench.edits import Edit, choose_edits, without
from pylot_ls.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A slip is one or two wrong characters and as many backspaces. With this chance at each character, 8 % of all
# keystrokes are backspaces.
_SLIP_CHANCE = 0.076
_SECOND_WRONG_CHANCE = 0.3
_SPARE_KEYSTROKES = 10

# Medians; the spread between keystrokes is log-normal, as it is with people.
_PAUSE_MS = 130
_PAUSE_AT_LINE_MS = 500
_PAUSE_AT_SLIP_MS = 350
_PAUSE_AT_JUMP_MS = 2500
_PAUSE_SPREAD = 0.45

# LSP clamps a column past the end to the line's end.
_END_OF_LINE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One edit and where the cursor is after it. Places are (line, column) from 0, columns in characters.

    Attributes:
        start, end: the range replaced.
        text: what is typed; "" for a backspace.
        cursor: where the next suggestion is asked for.
        jumped: whether the cursor came from elsewhere in the file.
        pause_ms: how long the person waits before it.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    text: str
    cursor: tuple[int, int]
    jumped: bool = False
    pause_ms: int = 0


@dataclass(frozen=True, slots=True)
class TypingTrace:
    """What to open and what to type.

    Attributes:
        opened: the text when the file is opened.
        keystrokes: in order; after the last one the text is the whole file again, if all were asked for.
    """

    opened: str
    keystrokes: tuple[Keystroke, ...]

    @property
    def n_characters(self) -> int:
        """Characters typed, those that are taken back again among them."""
        return sum(len(key.text) for key in self.keystrokes)


def typing_trace(source: str, n_keystrokes: int, seed: int = 0) -> TypingTrace:
    """A trace of ``n_keystrokes`` at most over a source text.

    Whole lines and parts of lines are taken out of the text and typed back, a few in one place, then a few in
    another. Of the keystrokes about 8 % are backspaces, 5 % open a line and 1.5 % come after a jump elsewhere; files
    with very long or very short lines shift the latter two.

    Raises:
        DocumentError: the text has no line to type.
    """
    chooser = random.Random(seed)  # noqa: S311 - repeatable, not secret
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # Some more than needed: how many slips there will be is not known yet.
    edits = choose_edits(lines, n_keystrokes + n_keystrokes // 8 + _SPARE_KEYSTROKES, chooser)
    if not edits:
        raise DocumentError("the file has no line of text after its first to type; choose another")
    return _trace_of(lines, edits, n_keystrokes, chooser)


def trace_in_one_place(source: str, n_keystrokes: int, seed: int = 0) -> TypingTrace:
    """A trace of ``n_keystrokes`` at most: whole lines, one after another, in the middle of a source text.

    Raises:
        DocumentError: the text has no line to type there.
    """
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    edits: list[Edit] = []
    for number in range(max(1, len(lines) // 2), len(lines)):
        if sum(edit.n_keystrokes for edit in edits) >= n_keystrokes:
            break
        n_indent = len(lines[number]) - len(lines[number].lstrip())
        edits.append(Edit(number, n_indent, len(lines[number]), is_new_line=True, jumps=False))
    if not edits:
        raise DocumentError("the file is too short to type in its middle; choose a longer one")
    return _trace_of(lines, edits, n_keystrokes, random.Random(seed))  # noqa: S311 - repeatable, not secret


def _trace_of(lines: list[str], edits: list[Edit], n_keystrokes: int, chooser: random.Random) -> TypingTrace:
    keystrokes: list[Keystroke] = []
    missing = {edit.line for edit in edits if edit.is_new_line}
    for edit in edits:
        # The line's number in the file as it is now: lines that are still missing do not count.
        at = edit.line - sum(1 for other in missing if other < edit.line)
        keystrokes.extend(_type(edit, at, lines[edit.line], chooser))
        missing.discard(edit.line)
    return TypingTrace("\n".join(without(lines, edits)), tuple(keystrokes[:n_keystrokes]))


def _type(edit: Edit, at: int, line: str, chooser: random.Random) -> Iterator[Keystroke]:
    """Type what an edit took out, in line ``at`` of the file as it is now."""
    column = edit.start
    first_pause_ms = _PAUSE_AT_JUMP_MS if edit.jumps else _PAUSE_AT_LINE_MS
    is_first = True
    if edit.is_new_line:
        # As Return at the end of the line before does; the editor indents by itself, in the same edit.
        before = (at - 1, _END_OF_LINE)
        yield Keystroke(before, before, "\n" + line[:column], (at, column), edit.jumps, _pause(first_pause_ms, chooser))
        is_first = False
    for character in line[edit.start : edit.end]:
        jumped, typical_ms = (edit.jumps, first_pause_ms) if is_first else (False, _PAUSE_MS)
        is_first = False
        if chooser.random() < _SLIP_CHANCE:
            yield from _slip(at, column, character, _Pace(jumped, typical_ms), chooser)
            jumped, typical_ms = False, _PAUSE_MS
        here = (at, column)
        column += 1
        yield Keystroke(here, here, character, (at, column), jumped, _pause(typical_ms, chooser))


@dataclass(frozen=True, slots=True)
class _Pace:
    """How a keystroke comes after the one before."""

    jumped: bool
    typical_ms: int


def _slip(at: int, column: int, right: str, first: _Pace, chooser: random.Random) -> Iterator[Keystroke]:
    """One wrong character, sometimes the right one after it, and all of it taken back."""
    wrong = chooser.choice([letter for letter in string.ascii_lowercase if letter != right])
    typed = wrong + (right if chooser.random() < _SECOND_WRONG_CHANCE else "")
    for index, character in enumerate(typed):
        here = (at, column + index)
        pace = first if index == 0 else _Pace(jumped=False, typical_ms=_PAUSE_MS)
        cursor = (at, column + index + 1)
        yield Keystroke(here, here, character, cursor, pace.jumped, _pause(pace.typical_ms, chooser))
    for index in reversed(range(len(typed))):
        here = (at, column + index)
        typical_ms = _PAUSE_AT_SLIP_MS if index == len(typed) - 1 else _PAUSE_MS
        yield Keystroke(here, (at, column + index + 1), "", here, pause_ms=_pause(typical_ms, chooser))


def _pause(typical_ms: int, chooser: random.Random) -> int:
    return round(typical_ms * chooser.lognormvariate(0.0, _PAUSE_SPREAD))
