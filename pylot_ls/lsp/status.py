"""What an editor may show of the server: which model there is, and whether it can be used yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylot_ls.engine.types import LoadFailed, Loading, StateEvent

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer

STATUS_METHOD = "pylot/status"
# A model in a thousand parts need not be told a thousand times.
_STEP_PERCENT = 5


def tell_status(server: PylotServer) -> None:
    """Send the client a notification of how it is, and one at each change from now on.

    Its parameters: ``state`` is ``loading``, ``ready`` or ``failed``; ``percent`` while loading, in steps of five;
    ``model``, the name of one that is ready; ``message``, why there is none.
    """
    told: dict[str, Any] = {}

    def tell(state: StateEvent) -> None:
        nonlocal told
        status = _status(state)
        if status != told:
            told = status
            server.protocol.notify(STATUS_METHOD, status)

    server.session.engine.listen(tell)


def _status(state: StateEvent) -> dict[str, Any]:
    if isinstance(state, Loading):
        percent = int(state.fraction * 100)
        return {"state": "loading", "percent": percent - percent % _STEP_PERCENT}
    if isinstance(state, LoadFailed):
        return {"state": "failed", "message": state.message}
    return {"state": "ready", "model": state.info.name}
