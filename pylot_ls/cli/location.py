"""``FILE:LINE:COL`` on the command line. Pure but for reading the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls.errors import PositionError
from pylot_ls.text.files import document_from_file

if TYPE_CHECKING:
    from pylot_ls.text.document import Document

_LOCATION = re.compile(r"(?P<path>.+):(?P<line>\d+):(?P<column>\d+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a document.

    Attributes:
        offset: in characters from the start of the text.
    """

    document: Document
    offset: int


def read_location(argument: str) -> Location:
    """The document and the offset that ``FILE:LINE:COL`` names; line and column count from 1, in characters.

    The column one past the line's last character is the end of the line.

    Raises:
        PositionError: not of that form, or outside the file.
        DocumentError: the file cannot be read as text.
    """
    match = _LOCATION.fullmatch(argument)
    if match is None:
        raise PositionError(f"{argument!r} is no place: write FILE:LINE:COL, for example src/app.py:12:5")
    line, column = int(match["line"]), int(match["column"])
    document = document_from_file(Path(match["path"]))
    text = document.text
    if not 1 <= line <= text.n_lines:
        raise PositionError(f"{match['path']} has {text.n_lines} lines; there is no line {line}")
    start, end = text.line_start(line - 1), text.line_end(line - 1)
    if not 1 <= column <= end - start + 1:
        raise PositionError(
            f"line {line} of {match['path']} has {end - start} characters; "
            f"the column must be 1 to {end - start + 1}, not {column}",
        )
    return Location(document, start + column - 1)
