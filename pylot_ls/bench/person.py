"""A person who types a file back and takes what is offered when it is right."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.bench.edits import choose_runs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pylot_ls.lsp.client import Answer, EditorClient
    from pylot_ls.text.document import Document

# A suggestion of one character is read more slowly than it is typed.
_WORTH_TAKING = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One keystroke and what it brought.

    Attributes:
        line_number: from 0.
        typed: the line up to the cursor.
        answer: the suggestion that was shown, and its cost.
        accepted: the part of it that the person took; "" for none.
    """

    line_number: int
    typed: str
    answer: Answer
    accepted: str


async def type_back(editor: EditorClient, document: Document, n_characters: int, seed: int) -> AsyncIterator[Step]:
    """Open a document with lines missing and type them back.

    Raises:
        DocumentError: there is nothing to type.
        ClientError: the server ended or failed.
    """
    lines = str(document.text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    chooser = random.Random(seed)  # noqa: S311 - repeatable, not secret
    runs = sorted(choose_runs(lines, n_characters, chooser), key=lambda run: run.start)
    missing = {line for run in runs for line in run}
    editor.open(
        document.uri,
        document.language_id,
        "\n".join(line for number, line in enumerate(lines) if number not in missing),
    )
    # From the top down, so that a line's number is the one it has in the whole file.
    for line_number in sorted(missing):
        async for step in _type_line(editor, line_number, len(lines[line_number - 1]), lines[line_number]):
            yield step


async def _type_line(editor: EditorClient, number: int, end_of_previous: int, line: str) -> AsyncIterator[Step]:
    column = len(line) - len(line.lstrip())
    before = (number - 1, end_of_previous)
    answer = await editor.type(before, before, "\n" + line[:column], (number, column))
    while True:
        accepted = _worth_taking(answer.text, line[column:])
        yield Step(number, line[:column], answer, accepted)
        if accepted:
            here = (number, column)
            column += len(accepted)
            # Accepting is an edit like any other; the editor asks again after it.
            answer = await editor.type(here, here, accepted, (number, column))
            if column == len(line):
                return
            yield Step(number, line[:column], answer, "")
        if column == len(line):
            return
        here = (number, column)
        column += 1
        answer = await editor.type(here, here, line[column - 1], (number, column))


def _worth_taking(suggestion: str, rest: str) -> str:
    """The first line of the suggestion, where it is what the person was going to type."""
    first_line = suggestion.split("\n", 1)[0]
    return first_line if len(first_line) >= _WORTH_TAKING and rest.startswith(first_line) else ""
