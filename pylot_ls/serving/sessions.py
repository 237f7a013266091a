"""The editors that the shared server serves: who is there, and how each of them ended."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls import machine
from pylot_ls.lsp.messages import serve_messages
from pylot_ls.lsp.server import PylotServer
from pylot_ls.lsp.streams import serve_streams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.shared_pool import SharedModels
    from pylot_ls.lsp.messages import MessageSocket

MAX_EDITORS = 256
# A bridge asks right after its connection has ended.
_MOST_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Editor:
    """A client of the server.

    Attributes:
        name: unique among all that this process has served.
        pid: of the bridge; 0 where that is not known.
        since_s: ``time.monotonic`` seconds.
    """

    name: str
    server: PylotServer
    pid: int
    since_s: float


class Editors:
    """Serves editors, each with documents, settings and requests of its own. Everything here runs on the event loop.

    Args:
        settings: of the process.
        models: of the process.
        on_change: called when an editor has come or gone.
    """

    def __init__(self, settings: Settings, models: SharedModels, on_change: Callable[[], None]) -> None:
        self._settings = settings
        self._models = models
        self._on_change = on_change
        self._numbers = itertools.count(1)
        self._here: dict[str, Editor] = {}
        self._ends: OrderedDict[str, asyncio.Future[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._here)

    @property
    def is_full(self) -> bool:
        """Whether there is no place for another one."""
        return len(self._here) >= MAX_EDITORS

    def welcome(self, overrides: Mapping[str, object], environment: Mapping[str, str], pid: int = 0) -> Editor:
        """A place for one more; it is to be served at once.

        Args:
            overrides: settings of its command line.
            environment: its own, as far as settings stand in it.
            pid: see Editor.
        """
        name = f"editor-{next(self._numbers)}"
        server = PylotServer(
            overrides, lambda _settings: self._models.pool_of(name), environment=environment, shared=self._settings
        )
        editor = self._here[name] = Editor(name, server, pid, time.monotonic())
        self._ends[name] = asyncio.get_running_loop().create_future()
        while len(self._ends) > _MOST_REMEMBERED:
            self._ends.popitem(last=False)
        self._on_change()
        return editor

    async def serve_streams(self, editor: Editor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve an editor over streams until it goes."""
        await self._serve(
            editor,
            lambda: serve_streams(
                editor.server,
                reader,
                writer,
                on_stop=editor.server.session.close,
                is_alive=machine.process_alive,
            ),
        )

    async def serve_messages(self, editor: Editor, socket: MessageSocket) -> None:
        """Serve an editor over whole messages until it goes."""
        # Its process runs wherever it does, and is not watched.
        await self._serve(
            editor,
            lambda: serve_messages(
                editor.server, socket, on_stop=editor.server.session.close, is_alive=lambda _pid: False
            ),
        )

    async def exit_code(self, name: str) -> int | None:
        """What the process of an editor is to exit with, once it has ended; None for one that is not known."""
        end = self._ends.get(name)
        return None if end is None else await asyncio.shield(end)

    def warn(self, message: str) -> None:
        """Tell all users something that concerns them all."""
        for editor in self._here.values():
            editor.server.session.notices.warning(message)

    def listed(self) -> list[dict[str, Any]]:
        """The editors that are here, as plain data."""
        now = time.monotonic()
        return [
            {
                "name": editor.name,
                "pid": editor.pid,
                "connected_s": now - editor.since_s,
                "n_documents": len(editor.server.session.documents.uris),
            }
            for editor in self._here.values()
        ]

    async def _serve(self, editor: Editor, serve: Callable[[], Awaitable[int]]) -> None:
        code = 1
        try:
            code = await serve()
        finally:
            self._here.pop(editor.name, None)
            end = self._ends.get(editor.name)
            if end is not None and not end.done():
                end.set_result(code)
            self._on_change()
