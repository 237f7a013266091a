"""The commands ``pylot.pause`` and ``pylot.resume``: no suggestions here, in a language or everywhere, for a while.

An editor that only stopped asking would have suggestions begun at each edit that nobody sees; so it tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from pylot_ls.language import Message
from pylot_ls.lsp.params import InvalidParamsError

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer

PAUSE_COMMAND = "pylot.pause"
RESUME_COMMAND = "pylot.resume"
PAUSED_METHOD = "pylot/paused"


def register(server: PylotServer) -> None:
    """Register the handlers."""
    server.command(PAUSE_COMMAND)(_pause)
    server.command(RESUME_COMMAND)(_resume)


def _pause(ls: PylotServer, scope: Any = None) -> None:
    ls.session.paused.pause(**_where(scope))
    ls.session.completions.supersede()
    _tell(ls)
    if scope is None:
        _say(ls, Message("suggestions are paused everywhere; the command pylot.resume ends that"))


def _resume(ls: PylotServer, scope: Any = None) -> None:
    ls.session.paused.resume(**_where(scope))
    _tell(ls)
    if scope is None:
        _say(ls, Message("there are suggestions again"))


def _tell(ls: PylotServer) -> None:
    """Send a client that shows it the whole of what is paused now: whoever ran the command, there is one truth."""
    if ls.session.abilities.paused:
        paused = ls.session.paused
        params = {
            "everywhere": paused.everywhere,
            "languageIds": sorted(paused.languages),
            "uris": sorted(paused.uris),
        }
        ls.protocol.notify(PAUSED_METHOD, params)


def _where(scope: Any) -> dict[str, str]:
    """What a command is about: ``{"uri": …}``, ``{"languageId": …}``, or everything."""
    match scope:
        case None | {} if not scope:
            return {}
        case {"uri": str(uri)}:
            return {"uri": uri}
        case {"languageId": str(language)}:
            return {"language": language}
    raise InvalidParamsError("params.arguments[0]: is not valid, expected {uri}, {languageId} or nothing")


def _say(ls: PylotServer, message: Message) -> None:
    """To who has bound the bare command to a key: the editor shows nothing of its own. Our clients name a scope."""
    ls.window_show_message(
        types.ShowMessageParams(types.MessageType.Info, f"pylot-ls: {ls.session.translated(message)}")
    )
