"""``textDocument/codeAction``, ``codeAction/resolve``, and the command that does what clients cannot resolve."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from pylot_ls.errors import ActionError, PylotError
from pylot_ls.features.actions.action import NewFile, Told
from pylot_ls.features.actions.context import Diagnostic
from pylot_ls.features.fences import fenced
from pylot_ls.language import text_of
from pylot_ls.lsp.documents import position_of
from pylot_ls.lsp.wishes import data_of, wish_of
from pylot_ls.lsp.work_progress import WorkProgress
from pylot_ls.lsp.workspace_edits import workspace_edit
from pylot_ls.text.position import offset_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.action import Offer
    from pylot_ls.lsp.actions import Result, Wish
    from pylot_ls.lsp.server import PylotServer
    from pylot_ls.text.document import Document

_log = logging.getLogger(__name__)

ACTION_COMMAND = "pylot-ls.action"
_MOST_SHOWN_CHARACTERS = 2000

# Editors sort actions by LSP's own kinds, and let users ask for one by its whole name.
_REFACTOR, _REWRITE = types.CodeActionKind.Refactor.value, types.CodeActionKind.RefactorRewrite.value
_KINDS = {
    "fix": f"{types.CodeActionKind.QuickFix.value}.fix",
    "implement": f"{_REWRITE}.implement",
    "docstring": f"{_REWRITE}.docstring",
    "explain": f"{_REFACTOR}.explain",
    "tests": f"{_REFACTOR}.tests",
    "simplify": f"{_REWRITE}.simplify",
    "types": f"{_REWRITE}.types",
    "translate": f"{_REWRITE}.translate",
    "rename": f"{_REFACTOR}.rename",
}
# They come to something to read.
_COMMANDS = frozenset({"explain"})


def register(server: PylotServer) -> None:
    """Register the handlers."""
    options = types.CodeActionOptions(code_action_kinds=list(_KINDS.values()), resolve_provider=True)
    server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)(_code_action)
    server.feature(types.CODE_ACTION_RESOLVE)(_resolve)
    server.command(ACTION_COMMAND)(_action)


async def _code_action(
    ls: PylotServer, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    document = ls.session.documents.get(params.text_document.uri)
    kinds = [kind for kind, name in _KINDS.items() if _is_wanted(name, params.context.only)]
    if document is None or not kinds:
        return None
    start, end = _offsets(ls, document, params.range)
    diagnostics = [_diagnostic(ls, document, each) for each in params.context.diagnostics]
    is_automatic = params.context.trigger_kind == types.CodeActionTriggerKind.Automatic
    if not is_automatic:
        # Until the model is loaded nobody knows what it can do. Who asks by hand would be told that there is nothing.
        await ls.session.actions.ready()
    found = await ls.session.actions.offered(document, start, end, diagnostics, kinds)
    # Unasked, an editor only tells that there is something; not at each place where there could be.
    wanted = [(wish, offer) for wish, offer in found if offer.is_pressing or not is_automatic]
    return [_listed(ls, wish, offer, params.context.diagnostics) for wish, offer in wanted]


def _listed(
    ls: PylotServer, wish: Wish, offer: Offer, diagnostics: Sequence[types.Diagnostic]
) -> types.CodeAction | types.Command:
    abilities = ls.session.abilities.actions
    data = data_of(wish, offer.title)
    command = types.Command(offer.title, ACTION_COMMAND, arguments=[data])
    if not abilities.literals:
        return command
    action = types.CodeAction(
        offer.title,
        kind=_KINDS[wish.kind],
        diagnostics=None if offer.diagnostic is None else [diagnostics[offer.diagnostic]],
        is_preferred=offer.is_preferred or None,
    )
    if abilities.resolves and wish.kind not in _COMMANDS:
        action.data = data
    else:
        action.command = command
    return action


async def _resolve(ls: PylotServer, action: types.CodeAction) -> types.CodeAction:
    if action.data is None or action.edit is not None:
        return action
    wish, title = wish_of(ls.session, action.data, "params.data")
    with WorkProgress(ls, title):
        result = await ls.session.actions.perform(wish)
    action.edit = _edit(ls, result, title)
    if action.edit is None:
        await _show(ls, result, wish.kind)
    return action


async def _action(ls: PylotServer, data: Any) -> dict[str, Any]:
    """Do it, and tell what it came to: ``applied``, ``text`` to read, and ``name`` where that is a better one."""
    wish, title = wish_of(ls.session, data, "params.arguments[0]")
    progress = WorkProgress(ls, title)
    try:
        return await _done(ls, wish, title, progress)
    except PylotError as error:
        if not ls.session.abilities.actions.tells_errors:
            await progress.gone()
            text = f"pylot-ls: {ls.session.translated(text_of(error))}"
            ls.window_show_message(types.ShowMessageParams(types.MessageType.Error, text))
        raise


async def _done(ls: PylotServer, wish: Wish, title: str, progress: WorkProgress) -> dict[str, Any]:
    with progress:
        result = await ls.session.actions.perform(wish)
    edit = _edit(ls, result, title)
    if edit is None or not ls.session.abilities.actions.applies_edits:
        return await _show(ls, result, wish.kind)
    answer = await ls.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, label=title))
    if not answer.applied:
        _log.info("the client did not apply an edit: %s", answer.failure_reason)
        raise ActionError(ls.session.language.say("The editor did not make the change."))
    return {"kind": wish.kind, "applied": True, "text": "", "name": ""}


def _edit(ls: PylotServer, result: Result, title: str) -> types.WorkspaceEdit | None:
    session = ls.session
    return workspace_edit(result.document, result.outcome, title, session.abilities.actions, session.documents.encoding)


async def _show(ls: PylotServer, result: Result, kind: str) -> dict[str, Any]:
    """Show what is to be read; why it is no edit is an error, which editors show, too.

    Raises:
        ActionError: it was to be an edit.
    """
    outcome, language = result.outcome, ls.session.language
    if isinstance(outcome, Told):
        text, reason, name = outcome.text, outcome.reason, outcome.name
    elif isinstance(outcome, NewFile):
        text, name = fenced(outcome.text, result.document.language_id) + "\n", ""
        reason = language.say("This editor makes no files for a server, so the text is shown here.")
    else:
        raise ActionError(language.say("This editor makes no changes for a server."))
    await _show_text(ls, result.document, kind, text)
    if reason:
        raise ActionError(reason)
    return {"kind": kind, "applied": False, "text": text, "name": name}


async def _show_text(ls: PylotServer, document: Document, kind: str, text: str) -> None:
    """Open a text in the editor, else show its beginning as a message.

    What leaves no trace on disk is quoted in no file, either.
    """
    session = ls.session
    if "\n" in text.strip() and session.abilities.shows_documents and session.privacy.may_be_kept(document.uri):
        try:
            uri = await asyncio.to_thread(session.actions.readings.write, kind, text)
            shown = await ls.window_show_document_async(types.ShowDocumentParams(uri, take_focus=False))
        except Exception as error:  # noqa: BLE001 - whatever a disk or a client says, there is the message
            _log.info("a text could not be shown: %s", type(error).__name__)
        else:
            if shown is not None and shown.success:
                return
    message = text.strip()[:_MOST_SHOWN_CHARACTERS]
    ls.window_show_message(types.ShowMessageParams(types.MessageType.Info, message))


def _is_wanted(name: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether a kind is one of those that are asked for, or below one."""
    if only is None:
        return True
    wanted = [each.value if isinstance(each, types.CodeActionKind) else each for each in only]
    return any(not each or name == each or name.startswith(f"{each}.") for each in wanted)


def _diagnostic(ls: PylotServer, document: Document, said: types.Diagnostic) -> Diagnostic:
    start, end = _offsets(ls, document, said.range)
    severity = said.severity.value if said.severity is not None else types.DiagnosticSeverity.Error.value
    message = said.message if isinstance(said.message, str) else said.message.value
    return Diagnostic(message, start, end, severity, "" if said.code is None else str(said.code), said.source or "")


def _offsets(ls: PylotServer, document: Document, places: types.Range) -> tuple[int, int]:
    encoding = ls.session.documents.encoding
    start, end = sorted(offset_at(document.text, position_of(place), encoding) for place in (places.start, places.end))
    return start, end
