"""Notebooks: which documents are their cells, in which order, and a cell in the midst of the others as one text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.text.document import Document

# What stands between two cells: a statement of one never goes on in the next.
_BETWEEN = "\n\n"
# Of the cells before and after no more is taken: no prompt holds as much.
_MOST_BEFORE = 64_000
_MOST_AFTER = 16_000


@dataclass(frozen=True, slots=True)
class Whole:
    """A document as it is completed.

    Attributes:
        document: with what stands before and after it.
        shift: how many characters stand before it.
    """

    document: Document
    shift: int = 0


@dataclass(slots=True)
class Notebooks:
    """The open notebooks of a session.

    Args:
        document: an open document as it is now; None where it is not open.
    """

    document: Callable[[str], Document | None]
    _cells: dict[str, list[types.NotebookCell]] = field(default_factory=dict)
    _notebook_of: dict[str, str] = field(default_factory=dict)

    def open(self, uri: str, cells: Sequence[types.NotebookCell]) -> None:
        """Take over a notebook; one that was open already is replaced."""
        self.close(uri)
        self._cells[uri] = []
        self.splice(uri, 0, 0, cells)

    def splice(self, uri: str, start: int, n_deleted: int, cells: Sequence[types.NotebookCell]) -> None:
        """Put cells in the place of others. Nothing happens to a notebook that is not open."""
        known = self._cells.get(uri)
        if known is None:
            return
        for cell in known[start : start + n_deleted]:
            self._notebook_of.pop(cell.document, None)
        known[start : start + n_deleted] = cells
        # A cell that was moved may have been deleted and put back in one change.
        self._notebook_of.update({cell.document: uri for cell in known})

    def describe(self, uri: str, cells: Sequence[types.NotebookCell]) -> None:
        """Cells have changed their kind."""
        changed = {cell.document: cell for cell in cells}
        known = self._cells.get(uri, [])
        known[:] = [changed.get(cell.document, cell) for cell in known]

    def close(self, uri: str) -> tuple[str, ...]:
        """Forget a notebook; the documents that were its cells."""
        cells = tuple(cell.document for cell in self._cells.pop(uri, ()))
        for cell in cells:
            self._notebook_of.pop(cell, None)
        return cells

    def whole(self, document: Document) -> Whole:
        """A cell with the cells of code around it, of the same language; any other document as it is."""
        uri = self._notebook_of.get(document.uri)
        if uri is None:
            return Whole(document)
        order = [cell.document for cell in self._cells[uri] if self._is_like(cell, document)]
        if document.uri not in order:
            return Whole(document)
        place = order.index(document.uri)
        before = "".join(text + _BETWEEN for text in self._texts(order[:place]))[-_MOST_BEFORE:]
        after = "".join(_BETWEEN + text for text in self._texts(order[place + 1 :]))[:_MOST_AFTER]
        text = document.text.replace(len(document.text), len(document.text), after).replace(0, 0, before)
        return Whole(replace(document, text=text), len(before))

    def _is_like(self, cell: types.NotebookCell, document: Document) -> bool:
        other = self.document(cell.document)
        is_code = cell.kind == types.NotebookCellKind.Code
        return cell.document == document.uri or (
            is_code and other is not None and other.language_id == document.language_id
        )

    def _texts(self, uris: Sequence[str]) -> list[str]:
        documents = [self.document(uri) for uri in uris]
        return [str(document.text).rstrip("\r\n") for document in documents if document is not None]


SYNC = types.NotebookDocumentSyncOptions(
    notebook_selector=[types.NotebookDocumentFilterWithNotebook(notebook="*")], save=False
)
