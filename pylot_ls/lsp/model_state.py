"""What an editor may show of the model: which it is, and whether it can be used yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylot_ls.engine.types import LoadFailed, Loading, StateEvent

if TYPE_CHECKING:
    from pylot_ls.language import Language
    from pylot_ls.lsp.server import PylotServer

MODEL_METHOD = "pylot/model"
# A model in a thousand parts need not be told a thousand times.
_STEP_PERCENT = 5


def tell_model_state(server: PylotServer) -> None:
    """Send the client a notification of how the completing model is, and one at each change from now on.

    Its parameters: ``state`` is ``loading``, ``ready`` or ``failed``; ``percent`` while loading, in steps of five;
    ``model``, the name of one that is ready; ``message``, why there is none.
    """
    told: dict[str, Any] = {}

    def tell(state: StateEvent) -> None:
        nonlocal told
        params = _params(state, server.session.language)
        if params != told:
            told = params
            server.protocol.notify(MODEL_METHOD, params)

    server.session.watch_model(tell)


def _params(state: StateEvent, language: Language) -> dict[str, Any]:
    if isinstance(state, Loading):
        percent = int(state.fraction * 100)
        return {"state": "loading", "percent": percent - percent % _STEP_PERCENT}
    if isinstance(state, LoadFailed):
        return {"state": "failed", "message": language.of(state.message)}
    return {"state": "ready", "model": state.info.name}
