"""``textDocument/inlineCompletion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.lsp.handlers.feedback import accept_command
from pylot_ls.lsp.handlers.suggestions import suggestions_at

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
    entry = params.context.selected_completion_info
    found = await suggestions_at(
        ls, params.text_document.uri, params.position, invoked=invoked, by_hand=invoked, selected=entry
    )
    if found is None:
        return None
    # Where there are none the list is empty: at null Neovim goes on showing what it showed before.
    # The remaining text in an empty range at the cursor is the form that every editor shows rightly. While VS Code's
    # own list is open, it shows only what replaces the same range as the selected entry and begins with its text.
    replaced = types.Range(params.position, params.position) if entry is None else entry.range
    begun = "" if entry is None else entry.text
    items = [
        types.InlineCompletionItem(insert_text=begun + each.text, range=replaced, command=accept_command(ls, each))
        for each in found.suggestions
    ]
    return types.InlineCompletionList(items)
