"""``initialize``, ``initialized`` and what begins with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.lsp.capabilities import ClientAbilities
from pylot_ls.lsp.handlers.configuration import pull
from pylot_ls.lsp.progress import LoadProgress
from pylot_ls.lsp.status import tell_status
from pylot_ls.text.position import PositionEncoding

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer


def register(server: PylotServer) -> None:
    """Register the handlers."""
    server.feature(types.INITIALIZE)(_initialize)
    server.feature(types.INITIALIZED)(_initialized)


def _initialize(ls: PylotServer, params: types.InitializeParams) -> None:
    session = ls.session
    session.abilities = ClientAbilities.of(params.capabilities)
    session.documents.encoding = PositionEncoding(ls.protocol.position_encoding.value)
    session.start(params.initialization_options)


def _initialized(ls: PylotServer, _params: types.InitializedParams) -> None:
    session = ls.session
    session.show_problems()
    if session.abilities.progress:
        progress = LoadProgress(ls)
        session.engine.listen(progress.update)
        session.keep(progress.begin())
    if session.abilities.status:
        tell_status(ls)
    if session.abilities.configuration:
        session.keep(pull(ls))
