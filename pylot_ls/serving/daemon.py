"""The shared server: one process that serves many editors on one socket, and ends when nobody needs it any more."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
from typing import TYPE_CHECKING, Any

from pylot_ls import __version__, machine
from pylot_ls.lsp.stdio import stop_on_signals
from pylot_ls.serving.listener import listening, only_one
from pylot_ls.serving.place import NotRunningError, ask, log_path
from pylot_ls.serving.sessions import MAX_EDITORS, Editors
from pylot_ls.serving.status import engine_status, models_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.remote import RemoteProcess
    from pylot_ls.engine.shared_pool import SharedModels
    from pylot_ls.serving.http import HttpOptions
    from pylot_ls.serving.listener import FirstLine

_log = logging.getLogger(__name__)

IDLE_EXIT_S = 15 * 60.0
# Of the environment of an editor only this counts.
_ENVIRONMENT_PREFIX = "PYLOT_LS_"


class Daemon:
    """Serves until it is told to stop, or nobody has been there for some time.

    Args:
        folder: see ``runtime_folder``.
        settings: of the process.
        models: not yet loaded; they are when the first editor comes.
        idle_exit_s: after so long without an editor it ends; 0 for never.
        process: the one that holds the models; None where this one does.
        http: how HTTP is served beside the socket; None where it is not.

    Attributes:
        listens: set once editors can connect.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        models: SharedModels,
        *,
        idle_exit_s: float = IDLE_EXIT_S,
        process: RemoteProcess | None = None,
        http: HttpOptions | None = None,
    ) -> None:
        self._http = http
        self._url = ""
        self._n_requests = 0
        self._folder = folder
        self._process = process
        self._models = models
        self._idle_exit_s = idle_exit_s
        self._began_s = time.monotonic()
        self._stopped = asyncio.Event()
        self.listens = asyncio.Event()
        self._idle_timer: asyncio.TimerHandle | None = None
        self.editors = Editors(settings, models, self._look_around)
        self._commands = {
            "hello": self._hello,
            "status": self._status,
            "stop": self._stop,
            "lsp": self._lsp,
            "ended": self._ended,
        }

    async def run(self) -> None:
        """Serve.

        Raises:
            AlreadyRunningError: another one does.
            PlaceError: the folder cannot be trusted.
        """
        if self._process is not None:
            loop = asyncio.get_running_loop()
            self._process.tell = lambda message: _on_loop(loop, self.editors.warn, message)
        async with only_one(self._folder, self._another_answers):
            with stop_on_signals(lambda _code, reason: self.stop(reason)):
                try:
                    async with self._beside(), listening(self._folder, self._serve) as where:
                        _log.info("version %s listens on %s", __version__, where)
                        self.listens.set()
                        self._look_around()
                        await self._stopped.wait()
                finally:
                    await self._models.close()
        _log.info("ended")

    @contextlib.asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        """Serve HTTP, too, where that is wanted."""
        if self._http is None:
            yield
            return
        # Imported here: an editor that starts the server does not wait for it.
        from pylot_ls.serving.http import serving_http  # noqa: PLC0415

        async with serving_http(self._http, self._models, self.editors, self._on_request) as self._url:
            _log.info("serves HTTP on %s", self._url)
            yield

    def _on_request(self, change: int) -> None:
        self._n_requests += change
        self._look_around()

    def stop(self, reason: str) -> None:
        """End, after all clients have been."""
        if not self._stopped.is_set():
            _log.info("Stopping: %s.", reason)
            self._stopped.set()

    def _look_around(self) -> None:
        """Somebody has come or gone."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        if self._idle_exit_s and not (self.editors or self._n_requests or self._stopped.is_set()):
            self._idle_timer = asyncio.get_running_loop().call_later(self._idle_exit_s, self.stop, "nobody is there")

    def _another_answers(self) -> bool:
        try:
            connection, _ = ask(self._folder, __version__, "hello")
        except NotRunningError:
            return False
        connection.close()
        return True

    async def _serve(self, first: FirstLine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = self._commands.get(str(first.get("command")))
        if command is None:
            await _reply(
                writer, ok=False, error=f"the shared server of version {__version__} does not know this command"
            )
            return
        await command(first, reader, writer)

    async def _hello(self, _first: FirstLine, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reply(writer, ok=True)

    async def _status(self, _first: FirstLine, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reply(writer, ok=True, status=self.status())

    async def _stop(self, _first: FirstLine, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reply(writer, ok=True, pid=os.getpid())
        self.stop("told to")

    async def _ended(self, first: FirstLine, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reply(writer, ok=True, exit_code=await self.editors.exit_code(str(first.get("client"))))

    async def _lsp(self, first: FirstLine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first.get("version") != __version__:
            error = (
                f"the shared server is of version {__version__}, this is {first.get('version')}; stop it for the new "
            )
            await _reply(writer, ok=False, error=f"{error}one to be started: pylot-ls serve --stop")
            return
        if self.editors.is_full or self._stopped.is_set():
            error = f"{MAX_EDITORS} editors are connected" if self.editors.is_full else "the shared server is ending"
            await _reply(writer, ok=False, error=error)
            return
        overrides, pid = _object(first.get("overrides")), first.get("pid")
        given = {name: value for name, value in _object(first.get("environment")).items() if isinstance(value, str)}
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_ENVIRONMENT_PREFIX)}
        environment |= {name: value for name, value in given.items() if name.startswith(_ENVIRONMENT_PREFIX)}
        editor = self.editors.welcome(overrides, environment, pid if isinstance(pid, int) else 0)
        await _reply(writer, ok=True, client=editor.name)
        await self.editors.serve_streams(editor, reader, writer)

    def status(self) -> dict[str, Any]:
        """What there is and what it does, as plain data."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime_s": time.monotonic() - self._began_s,
            "log": str(log_path(self._folder)),
            "url": self._url,
            "n_requests": self._n_requests,
            "memory_bytes": machine.process_memory_bytes(),
            "editors": self.editors.listed(),
            "engine": engine_status(self._process),
            "models": models_status(self._models),
        }


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[str], None], message: str) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
        loop.call_soon_threadsafe(call, message)


async def _reply(writer: asyncio.StreamWriter, **fields: Any) -> None:
    writer.write(json.dumps({"version": __version__, **fields}).encode("ascii") + b"\n")
    with contextlib.suppress(ConnectionError):
        await writer.drain()


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
