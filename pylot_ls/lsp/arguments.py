"""Arguments of commands: what a client sent, as what it has to be, with errors that a client's author can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from pylot_ls.lsp.documents import position_of
from pylot_ls.lsp.params import InvalidParamsError, structure_argument
from pylot_ls.text.position import offset_at

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer
    from pylot_ls.text.document import Document

MOST_CHARACTERS = 10_000


def text_of(value: Any, number: int) -> str:
    """A text that is not empty, and not longer than anybody writes.

    Raises:
        InvalidParamsError: it is none.
    """
    if not isinstance(value, str) or not value.strip():
        raise _invalid(number, "is not valid, expected a string with something in it")
    if len(value) > MOST_CHARACTERS:
        raise _invalid(number, f"has {len(value)} characters; it may have {MOST_CHARACTERS}")
    return value


def document_of(ls: PylotServer, uri: Any, number: int) -> Document:
    """The open document with a URI.

    Raises:
        InvalidParamsError: there is none.
    """
    document = ls.session.documents.get(text_of(uri, number))
    if document is None:
        raise _invalid(number, "no document with this URI is open; open it first")
    return document


def offsets_of(ls: PylotServer, document: Document, value: Any, number: int) -> tuple[int, int]:
    """The start and the end of a range in a document, in characters; a column past a line's end means that end.

    Raises:
        InvalidParamsError: it is no range, or not in the document.
    """
    wanted = structure_argument(ls.protocol.converter, value, types.Range, number)
    start, end = (_offset(ls, document, place, number) for place in (wanted.start, wanted.end))
    if start > end:
        raise _invalid(number, "the range ends before it starts")
    return start, end


def offset_of(ls: PylotServer, document: Document, value: Any, number: int) -> int:
    """The offset of a position in a document, in characters; a column past a line's end means that end.

    Raises:
        InvalidParamsError: it is no position, or not in the document.
    """
    return _offset(ls, document, structure_argument(ls.protocol.converter, value, types.Position, number), number)


def _offset(ls: PylotServer, document: Document, place: types.Position, number: int) -> int:
    n_lines = document.text.n_lines
    if place.line >= n_lines:
        raise _invalid(number, f"line {place.line} is outside the document, which has {n_lines} lines, counted from 0")
    return offset_at(document.text, position_of(place), ls.session.documents.encoding)


def _invalid(number: int, what: str) -> InvalidParamsError:
    return InvalidParamsError(f"params.arguments[{number}]: {what}")
