"""``initialize``, ``initialized`` and what begins with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.features.privacy import file_path
from pylot_ls.lsp.capabilities import ClientAbilities
from pylot_ls.lsp.handlers.configuration import pull
from pylot_ls.lsp.model_state import tell_model_state
from pylot_ls.lsp.progress import LoadProgress
from pylot_ls.text.position import PositionEncoding

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer


def register(server: PylotServer) -> None:
    """Register the handlers."""
    server.feature(types.INITIALIZE)(_initialize)
    server.feature(types.INITIALIZED)(_initialized)


def _initialize(ls: PylotServer, params: types.InitializeParams) -> None:
    session = ls.session
    name = params.client_info.name if params.client_info is not None else ""
    session.abilities = ClientAbilities.of(params.capabilities, name)
    session.documents.encoding = PositionEncoding(ls.protocol.position_encoding.value)
    uris = [folder.uri for folder in params.workspace_folders or ()] or [params.root_uri or ""]
    session.workspace_folders = tuple(path for path in map(file_path, uris) if path is not None)
    session.start(params.initialization_options, params.locale)


def _initialized(ls: PylotServer, _params: types.InitializedParams) -> None:
    session = ls.session
    session.show_problems()
    if session.abilities.progress:
        progress = LoadProgress(ls)
        session.engine.listen(progress.update)
        session.keep(progress.begin())
    if session.abilities.model:
        tell_model_state(ls)
    if session.abilities.configuration:
        session.keep(pull(ls))
