"""The command ``pylot-ls.regenerate``: another suggestion at a place instead of the one that is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from pylot_ls.lsp.arguments import document_of, offset_of
from pylot_ls.lsp.handlers.feedback import accept_command

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer

REGENERATE = "pylot-ls.regenerate"


def register(server: PylotServer) -> None:
    """Register the command."""
    server.command(REGENERATE)(_regenerate)


async def _regenerate(ls: PylotServer, uri: Any, position: Any) -> types.InlineCompletionItem | None:
    """The next suggestion, which the editor gets from now on when it asks there; null where there is no other."""
    session = ls.session
    document = document_of(ls, uri, 0)
    offset = offset_of(ls, document, position, 1)
    whole = session.notebooks.whole(document)
    found = await session.another.next(whole.document, offset + whole.shift)
    if found is None:
        return None
    suggestion = replace(found, offset=offset)
    session.feedback.shown(document, [suggestion])
    place = ls.protocol.converter.structure(position, types.Position)
    return types.InlineCompletionItem(
        insert_text=suggestion.text, range=types.Range(place, place), command=accept_command(ls, suggestion)
    )
