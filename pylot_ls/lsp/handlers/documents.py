"""``textDocument/didOpen``, ``didChange``, ``didSave``, ``didClose``: keep the documents as the client has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.lsp.documents import position_of
from pylot_ls.lsp.eagerness import typed_at
from pylot_ls.text.position import offset_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.lsp.server import PylotServer


def register(server: PylotServer) -> None:
    """Register the handlers."""
    server.feature(types.TEXT_DOCUMENT_DID_OPEN)(_did_open)
    server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_did_change)
    server.feature(types.TEXT_DOCUMENT_DID_SAVE)(_did_save)
    server.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_did_close)


def open_document(ls: PylotServer, item: types.TextDocumentItem) -> None:
    """A document was opened, be it a file or a notebook's cell."""
    ls.session.documents.open(item)
    ls.session.opened(item.uri)


def change_document(
    ls: PylotServer, uri: str, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]
) -> None:
    """A document was edited; the completion at the cursor begins where it was a keystroke."""
    session = ls.session
    before = session.documents.get(uri)
    document = session.documents.change(uri, version, changes)
    if before is not None and document is not None:
        session.actions.edited(before, changes)
        session.feedback.edited(before, document)
        cursor, whole = typed_at(changes), session.notebooks.whole(document)
        offset = offset_at(document.text, position_of(cursor), session.documents.encoding) if cursor else None
        session.edited(whole.document, None if offset is None else offset + whole.shift)


def _did_open(ls: PylotServer, params: types.DidOpenTextDocumentParams) -> None:
    open_document(ls, params.text_document)


def _did_change(ls: PylotServer, params: types.DidChangeTextDocumentParams) -> None:
    change_document(ls, params.text_document.uri, params.text_document.version, params.content_changes)


def _did_save(ls: PylotServer, params: types.DidSaveTextDocumentParams) -> None:
    ls.session.keep(_saved(ls, params.text_document.uri))


async def _saved(ls: PylotServer, uri: str) -> None:
    await ls.session.privacy.saved(uri)
    ls.session.knowledge.rules_saved()


def _did_close(ls: PylotServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.session.close_document(params.text_document.uri)
