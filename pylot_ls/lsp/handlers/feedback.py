"""What editors tell of suggestions: shown, partly accepted, accepted.

LSP has no messages for it. The notifications are those that editors send to Copilot's language server; acceptance is
told by the command that comes with a suggestion, which editors run after inserting it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from pylot_ls.lsp.params import InvalidParamsError

if TYPE_CHECKING:
    from pylot_ls.features.completion import Suggestion
    from pylot_ls.lsp.server import PylotServer

ACCEPTED_COMMAND = "pylot.accepted"
DID_SHOW = "textDocument/didShowCompletion"
DID_PARTIALLY_ACCEPT = "textDocument/didPartiallyAcceptCompletion"


def register(server: PylotServer) -> None:
    """Register the handlers."""
    server.feature(DID_SHOW)(_did_show)
    server.feature(DID_PARTIALLY_ACCEPT)(_did_partially_accept)
    server.command(ACCEPTED_COMMAND)(_accepted)


def accept_command(ls: PylotServer, suggestion: Suggestion) -> types.Command | None:
    """The command that goes with a suggestion; None where nobody wants to know."""
    if not ls.session.feedback.is_on:
        return None
    return types.Command(title="Accept", command=ACCEPTED_COMMAND, arguments=[suggestion.id])


def _did_show(ls: PylotServer, params: Any) -> None:
    ls.session.feedback.told_shown(_suggestion_id(params))


def _did_partially_accept(ls: PylotServer, params: Any) -> None:
    suggestion_id = _suggestion_id(params)
    n_units = params.get("acceptedLength")
    if not isinstance(n_units, int) or isinstance(n_units, bool) or n_units < 1:
        raise InvalidParamsError("params.acceptedLength: is not valid, expected a positive integer")
    ls.session.feedback.told_accepted(suggestion_id, partial(_n_characters, n_units=n_units))


def _accepted(ls: PylotServer, suggestion_id: Any) -> None:
    if not isinstance(suggestion_id, str):
        raise InvalidParamsError("params.arguments[0]: is not valid, expected a string")
    ls.session.feedback.told_accepted(suggestion_id)


def _suggestion_id(params: Any) -> str:
    """The first argument of ``params.item.command``; the rest of the item, which clients send whole, is not needed."""
    match params:
        case {"item": {"command": {"arguments": [str(suggestion_id), *_]}}}:
            return suggestion_id
    raise InvalidParamsError("params.item.command.arguments[0]: is not valid, expected a string")


def _n_characters(text: str, *, n_units: int) -> int:
    """How many characters of a text are in so many code units of UTF-16."""
    for n, character in enumerate(text):
        n_units -= 2 if ord(character) > 0xFFFF else 1  # noqa: PLR2004 - the last that takes one unit
        if n_units < 0:
            return n
    return len(text)
