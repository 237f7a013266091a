"""``textDocument/completion``, for editors that never ask for inline completions."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.lsp.handlers.feedback import accept_command
from pylot_ls.lsp.handlers.suggestions import suggestions_at
from pylot_ls.text.position import position_at

if TYPE_CHECKING:
    from pylot_ls.features.completion import Suggestion
    from pylot_ls.lsp.server import PylotServer
    from pylot_ls.text.document import Document

# Editors show a list when its last source has answered; the other servers' lists must not wait for a model.
_BUDGET_S = 0.5
_WORD_BEFORE = re.compile(r"\w*\Z")


def register(server: PylotServer) -> None:
    """Register the handler."""
    server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."]))(_completion)


async def _completion(ls: PylotServer, params: types.CompletionParams) -> types.CompletionList | None:
    if not _wanted(ls):
        return None
    try:
        async with asyncio.timeout(_BUDGET_S):
            found = await suggestions_at(ls, params.text_document.uri, params.position, invoked=_is_invoked(params))
    except TimeoutError:
        # Incomplete: the client asks again at the next character, and finds the prompt already evaluated.
        return types.CompletionList(is_incomplete=True, items=[])
    items = [_item(ls, found.document, each) for each in found.suggestions[:1]] if found else []
    return types.CompletionList(is_incomplete=True, items=items)


def _is_invoked(params: types.CompletionParams) -> bool:
    """Editors say Invoked for typed characters too; only a client that says something else is taken at its word."""
    return params.context is None or params.context.trigger_kind == types.CompletionTriggerKind.Invoked


def _wanted(ls: PylotServer) -> bool:
    fallback = ls.session.settings.completion.fallback
    return fallback == "always" or (fallback == "auto" and not ls.session.abilities.inline_completion)


def _item(ls: PylotServer, document: Document, suggestion: Suggestion) -> types.CompletionItem:
    """A list entry that replaces the word before the cursor: clients filter entries by that word."""
    encoding = ls.session.documents.encoding
    line_start = document.text.line_start(document.text.line_of(suggestion.offset))
    before = document.text.slice(line_start, suggestion.offset)
    found = _WORD_BEFORE.search(before)
    word = found.group() if found else ""
    text = word + suggestion.text
    start = position_at(document.text, suggestion.offset - len(word), encoding)
    end = position_at(document.text, suggestion.offset, encoding)
    whole = types.Range(types.Position(start.line, start.character), types.Position(end.line, end.character))
    return types.CompletionItem(
        label=text.strip().splitlines()[0],
        kind=types.CompletionItemKind.Text,
        detail="pylot-ls",
        documentation=text,
        filter_text=text,
        insert_text=text,
        insert_text_format=types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(whole, text),
        command=accept_command(ls, suggestion),
    )
