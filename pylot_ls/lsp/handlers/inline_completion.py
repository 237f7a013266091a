"""``textDocument/inlineCompletion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.lsp.handlers.feedback import accept_command
from pylot_ls.lsp.handlers.suggestions import suggestion_at

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer


def register(server: PylotServer) -> None:
    """Register the handler, statically: Neovim ignores a dynamic registration."""
    server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(_inline_completion)


async def _inline_completion(
    ls: PylotServer,
    params: types.InlineCompletionParams,
) -> types.InlineCompletionList | None:
    invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    found = await suggestion_at(ls, params.text_document.uri, params.position, invoked=invoked, by_hand=invoked)
    if found is None:
        return None
    _, suggestion = found
    # The remaining text in an empty range at the cursor is the form that every editor shows rightly.
    here = types.Range(params.position, params.position)
    item = types.InlineCompletionItem(insert_text=suggestion.text, range=here, command=accept_command(ls, suggestion))
    return types.InlineCompletionList([item])
