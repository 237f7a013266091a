"""``workspace/didChangeConfiguration`` and the request for the client's settings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from pylot_ls.config.sources import SECTION

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer

_log = logging.getLogger(__name__)


def register(server: PylotServer) -> None:
    """Register the handler."""
    server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(_did_change_configuration)


async def _did_change_configuration(ls: PylotServer, params: types.DidChangeConfigurationParams) -> None:
    if ls.session.abilities.configuration:
        await pull(ls)
    else:
        ls.session.configure(_section(params.settings))


async def pull(ls: PylotServer) -> None:
    """Ask the client for its settings and apply them."""
    item = types.ConfigurationItem(section=SECTION)
    try:
        answers = await ls.workspace_configuration_async(types.ConfigurationParams(items=[item]))
    except Exception as error:  # noqa: BLE001 - whatever a client answers, the settings there are stay
        _log.warning("the client did not give its settings: %s", type(error).__name__)
        return
    ls.session.configure(answers[0] if answers else None)


def _section(settings: Any) -> object:
    """Only our section, nested or with dotted keys: the rest of what a client pushes belongs to others."""
    if not isinstance(settings, dict):
        return None
    return {key: value for key, value in settings.items() if key == SECTION or str(key).startswith(f"{SECTION}.")}
