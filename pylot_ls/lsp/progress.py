"""Progress of loading the model, as the editor shows it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.engine.types import LoadFailed, Loading, Ready, StateEvent
from pylot_ls.language import Message

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer

_log = logging.getLogger(__name__)

_TOKEN = "pylot-ls/model"  # noqa: S105 - a progress token
# An editor redraws at each report; a report per tensor would be hundreds.
_STEP_PERCENT = 5
_LOADING = Message("loading the model")


class LoadProgress:
    """Tells the client how far the model is loaded. Called on the event loop with each state of the engine."""

    def __init__(self, server: PylotServer) -> None:
        self._server = server
        self._begun = False
        self._percent = 0
        self._latest: StateEvent = Loading(0.0)

    async def begin(self) -> None:
        """Ask the client for a progress display; until it agrees nothing is sent."""
        try:
            await self._server.work_done_progress.create_async(_TOKEN)
        except Exception as error:  # noqa: BLE001 - a client may refuse; loading goes on without a display
            _log.info("the client shows no progress: %s", type(error).__name__)
            return
        self._server.work_done_progress.begin(
            _TOKEN,
            types.WorkDoneProgressBegin(
                title="pylot-ls", message=self._server.session.language.of(_LOADING), percentage=0
            ),
        )
        self._begun = True
        self.update(self._latest)

    def update(self, state: StateEvent) -> None:
        """Report a state of the engine."""
        self._latest = state
        if not self._begun:
            return
        if isinstance(state, Loading):
            self._report(int(state.fraction * 100))
            return
        self._begun = False
        self._server.work_done_progress.end(
            _TOKEN, types.WorkDoneProgressEnd(message=self._server.session.language.of(_outcome(state)))
        )

    def _report(self, percent: int) -> None:
        if percent >= self._percent + _STEP_PERCENT:
            self._percent = percent
            self._server.work_done_progress.report(
                _TOKEN,
                types.WorkDoneProgressReport(message=self._server.session.language.of(_LOADING), percentage=percent),
            )


def _outcome(state: Ready | LoadFailed) -> Message:
    return Message("{model} is ready", model=state.info.name) if isinstance(state, Ready) else Message("no model")
