"""The language server: its session, its handlers, and how it is served on stdio."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from pylot_ls import __version__, machine
from pylot_ls.config.folders import crashes_folder
from pylot_ls.config.wiring import make_pool
from pylot_ls.lsp.crash_note import CrashNote, find_crashes
from pylot_ls.lsp.handlers import (
    code_action,
    completion,
    configuration,
    documents,
    feedback,
    hover,
    inline_completion,
    lifecycle,
    notebooks,
    pausing,
    questions,
    regenerate,
    upkeep,
)
from pylot_ls.lsp.notebooks import SYNC
from pylot_ls.lsp.notices import Notices
from pylot_ls.lsp.protocol import PylotProtocol
from pylot_ls.lsp.session import Session
from pylot_ls.lsp.stdio import StdioStreams, claim_stdio, serve_stdio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.pool import ModelPool


_log = logging.getLogger(__name__)

_HANDLERS = (
    lifecycle,
    configuration,
    documents,
    notebooks,
    inline_completion,
    completion,
    feedback,
    pausing,
    hover,
    questions,
    regenerate,
    upkeep,
    code_action,
)


class PylotServer(LanguageServer):
    """One server for one client.

    Args:
        overrides: settings of the command line.
        new_pool: makes the models of the settings, not yet loaded.
        environment: of the client.
        shared: the settings of a process that serves other clients, too; None where this is the only one.
    """

    protocol: PylotProtocol

    def __init__(
        self,
        overrides: Mapping[str, object],
        new_pool: Callable[[Settings], ModelPool] = make_pool,
        *,
        environment: Mapping[str, str] = os.environ,
        shared: Settings | None = None,
    ) -> None:
        super().__init__(
            "pylot-ls",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            notebook_document_sync=SYNC,
            protocol_cls=PylotProtocol,
        )
        self.session = Session(Notices(self), overrides, new_pool, environment=environment, shared=shared)
        self.protocol.translate = self.session.translated
        for handlers in _HANDLERS:
            handlers.register(self)


def run_stdio(overrides: Mapping[str, object]) -> int:
    """Serve the client on stdin and stdout until it goes; the process's exit code.

    Raises:
        PylotError: stdin or stdout is closed.
    """
    # Before anything that could print: from here on stdout is LSP's alone.
    return asyncio.run(_serve(claim_stdio(), overrides))


async def _serve(streams: StdioStreams, overrides: Mapping[str, object]) -> int:
    server = PylotServer(overrides)
    for crash in find_crashes(crashes_folder(), machine.process_alive):
        _log.warning("%s; what it printed last tells where", crash)
    note = CrashNote(crashes_folder())
    server.protocol.tell_served = note.serving
    try:
        return await serve_stdio(
            server,
            on_stop=server.session.close,
            is_alive=machine.process_alive,
            streams=streams,
        )
    finally:
        note.close()
