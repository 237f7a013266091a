"""``notebookDocument/didOpen``, ``didChange``, ``didClose``: each cell is a document, and known for a notebook's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.lsp.handlers.documents import change_document, open_document

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer


def register(server: PylotServer) -> None:
    """Register the handlers."""
    server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)(_did_open)
    server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)(_did_change)
    server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)(_did_close)


def _did_open(ls: PylotServer, params: types.DidOpenNotebookDocumentParams) -> None:
    for item in params.cell_text_documents:
        open_document(ls, item)
    ls.session.notebooks.open(params.notebook_document.uri, params.notebook_document.cells)


def _did_change(ls: PylotServer, params: types.DidChangeNotebookDocumentParams) -> None:
    cells = params.change.cells
    if cells is None:
        return
    uri, notebooks = params.notebook_document.uri, ls.session.notebooks
    if cells.structure is not None:
        for item in cells.structure.did_open or ():
            open_document(ls, item)
        array = cells.structure.array
        notebooks.splice(uri, array.start, array.delete_count, array.cells or ())
        for closed in cells.structure.did_close or ():
            ls.session.close_document(closed.uri)
    if cells.data is not None:
        notebooks.describe(uri, cells.data)
    for content in cells.text_content or ():
        change_document(ls, content.document.uri, content.document.version, content.changes)


def _did_close(ls: PylotServer, params: types.DidCloseNotebookDocumentParams) -> None:
    cells = ls.session.notebooks.close(params.notebook_document.uri)
    for uri in dict.fromkeys((*cells, *(document.uri for document in params.cell_text_documents))):
        ls.session.close_document(uri)
