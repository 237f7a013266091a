"""A person who types: a source file, with parts of it taken out, typed back key by key. Pure and repeatable."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Shares of keystrokes, from what editors' logs show: a slip is typed and taken back.
_SLIP_SHARE = 0.04
_LINES_IN_A_ROW = 6


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One edit and where the cursor is after it. Places are (line, column) from 0, columns in characters.

    Attributes:
        start, end: the range replaced.
        text: what is typed; "" for a backspace.
        cursor: where the next suggestion is asked for.
        jumped: whether the cursor came from elsewhere in the file.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    text: str
    cursor: tuple[int, int]
    jumped: bool = False


@dataclass(frozen=True, slots=True)
class TypingTrace:
    """What to open and what to type.

    Attributes:
        opened: the text when the file is opened.
        keystrokes: in order; after the last one the text is the whole file again, if all were asked for.
    """

    opened: str
    keystrokes: tuple[Keystroke, ...]


def typing_trace(source: str, n_keystrokes: int, seed: int = 0) -> TypingTrace:
    """A trace of ``n_keystrokes`` at most over a source text.

    Runs of lines are taken out of the text at places spread over it and typed back, the runs in random order. About
    8 % of the keystrokes are backspaces or the slips they take back.

    Raises:
        DocumentError: the text has no line to type.
    """
    chooser = random.Random(seed)  # noqa: S311 - repeatable, not secret
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    runs = choose_runs(lines, n_keystrokes, chooser)
    taken = {line for run in runs for line in run}
    opened = [line for number, line in enumerate(lines) if number not in taken]
    keystrokes: list[Keystroke] = []
    missing = set(taken)
    chooser.shuffle(runs)
    for run in runs:
        for line in run:
            # The line's number in the file as it is now: lines that are still missing do not count.
            at = line - sum(1 for other in missing if other < line)
            keystrokes.extend(_type_line(at, lines[line], chooser, jumped=line == run[0]))
            missing.discard(line)
    return TypingTrace("\n".join(opened), tuple(keystrokes[:n_keystrokes]))


def choose_runs(lines: list[str], n_keystrokes: int, chooser: random.Random) -> list[range]:
    """Runs of successive lines, spread over the file, with about as many characters as there are keystrokes.

    Raises:
        DocumentError: there is no line of text after the first.
    """
    starts = list(range(1, len(lines), 2 * _LINES_IN_A_ROW))
    chooser.shuffle(starts)
    runs: list[range] = []
    n_characters = 0
    for start in starts:
        if n_characters >= n_keystrokes:
            break
        run = range(start, min(len(lines), start + _LINES_IN_A_ROW))
        if any(lines[number].strip() for number in run):
            runs.append(run)
            n_characters += sum(len(lines[number]) + 1 for number in run)
    if not runs:
        raise DocumentError("the file has no line of text after its first to type; choose another")
    return runs


def _type_line(at: int, line: str, chooser: random.Random, *, jumped: bool) -> Iterator[Keystroke]:
    """Open a line above line ``at``, as Return at the end of the line before does, and type it.

    The editor indents by itself: the indentation comes with the new line, in one edit.
    """
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    end_of_previous = (at - 1, _END_OF_LINE)
    column = len(indent)
    yield Keystroke(end_of_previous, end_of_previous, "\n" + indent, (at, column), jumped)
    for character in body:
        if chooser.random() < _SLIP_SHARE:
            yield Keystroke((at, column), (at, column), "q", (at, column + 1))
            yield Keystroke((at, column), (at, column + 1), "", (at, column))
        column += 1
        yield Keystroke((at, column - 1), (at, column - 1), character, (at, column))


# LSP clamps a column past the end to the line's end.
_END_OF_LINE = 2**31 - 1
