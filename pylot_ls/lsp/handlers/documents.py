"""``textDocument/didOpen``, ``didChange``, ``didClose``: keep the documents as the client has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer


def register(server: PylotServer) -> None:
    """Register the handlers."""
    server.feature(types.TEXT_DOCUMENT_DID_OPEN)(_did_open)
    server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_did_change)
    server.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_did_close)


def _did_open(ls: PylotServer, params: types.DidOpenTextDocumentParams) -> None:
    ls.session.documents.open(params.text_document)


def _did_change(ls: PylotServer, params: types.DidChangeTextDocumentParams) -> None:
    ls.session.documents.change(params.text_document.uri, params.text_document.version, params.content_changes)


def _did_close(ls: PylotServer, params: types.DidCloseTextDocumentParams) -> None:
    ls.session.documents.close(params.text_document.uri)
