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

_SELECTION = re.compile(
    r"(?P<path>.+):(?P<line>\d+):(?P<column>\d+)(?:-(?P<end_line>\d+):(?P<end_column>\d+))?", re.DOTALL
)
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
    document = document_from_file(Path(match["path"]))
    return Location(document, _offset(document, match["path"], int(match["line"]), int(match["column"])))


def read_selection(argument: str) -> tuple[Document, int, int]:
    """The document and the two offsets that ``FILE:LINE:COL`` or ``FILE:LINE:COL-LINE:COL`` names.

    Raises:
        PositionError, DocumentError: as ``read_location``.
    """
    match = _SELECTION.fullmatch(argument)
    if match is None:
        raise PositionError(
            f"{argument!r} is no place: write FILE:LINE:COL or FILE:LINE:COL-LINE:COL, for example src/app.py:12:5"
        )
    document = document_from_file(Path(match["path"]))
    start = end = _offset(document, match["path"], int(match["line"]), int(match["column"]))
    if match["end_line"] is not None:
        end = _offset(document, match["path"], int(match["end_line"]), int(match["end_column"]))
    return document, min(start, end), max(start, end)


def _offset(document: Document, path: str, line: int, column: int) -> int:
    text = document.text
    if not 1 <= line <= text.n_lines:
        raise PositionError(f"{path} has {text.n_lines} lines; there is no line {line}")
    start, end = text.line_start(line - 1), text.line_end(line - 1)
    if not 1 <= column <= end - start + 1:
        raise PositionError(
            f"line {line} of {path} has {end - start} characters; "
            f"the column must be 1 to {end - start + 1}, not {column}",
        )
    return start + column - 1
