"""Where the shared server listens: one server at a time, in a folder of the user's own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import stat
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pylot_ls.errors import PylotError
from pylot_ls.private_file import write_private
from pylot_ls.serving.place import MAX_LINE_BYTES, address_path, lock_path, locked, make_folder, socket_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_log = logging.getLogger(__name__)

FirstLine = dict[str, Any]
Serve = Callable[[FirstLine, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# Who connects is to say at once what he wants.
_FIRST_LINE_S = 10.0
# One that was told to stop may take so long to end what it was doing.
_PREDECESSOR_S = 20.0
_POLL_S = 0.05
_BACKLOG = 128
# A process may have so many files open; the models and documents of those who are served need some of them.
_MOST_CONNECTIONS = 512


class AlreadyRunningError(PylotError):
    """There is a shared server, and it answers."""


@contextlib.asynccontextmanager
async def only_one(folder: Path, answers: Callable[[], bool]) -> AsyncIterator[None]:
    """Be the only server of a folder, after the one before has ended; the lock goes with the process.

    Args:
        folder: see ``runtime_folder``.
        answers: whether a server answers; may block for a moment.

    Raises:
        AlreadyRunningError: one does.
        PlaceError: see ``make_folder``.
    """
    make_folder(folder)
    deadline = asyncio.get_running_loop().time() + _PREDECESSOR_S
    while True:
        with locked(lock_path(folder)) as is_ours:
            if is_ours:
                yield
                return
        if await asyncio.to_thread(answers):
            raise AlreadyRunningError("a shared server is running: pylot-ls serve --status")
        if asyncio.get_running_loop().time() > deadline:
            raise AlreadyRunningError(
                f"a process holds {folder / 'server.lock'} and does not answer; end it, and start again"
            )
        await asyncio.sleep(_POLL_S)


@contextlib.asynccontextmanager
async def listening(folder: Path, serve: Serve) -> AsyncIterator[str]:
    """Listen for clients, within ``only_one``; where, in words.

    Args:
        folder: see ``runtime_folder``.
        serve: called for each client with its first line and its streams; whatever happens, they are closed after it.
    """
    path, token = socket_path(folder), ""
    accept = _Acceptor(serve)
    if path is not None:
        # Whose lock we hold has no server: what lies here was left by one that was killed.
        _remove(path)
        server = await asyncio.start_unix_server(accept, path, backlog=_BACKLOG, limit=MAX_LINE_BYTES)
        path.chmod(0o600)
        where = str(path)
    else:
        token = accept.token = secrets.token_hex(32)
        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=_BACKLOG, limit=MAX_LINE_BYTES)
        port = server.sockets[0].getsockname()[1]
        write_private(address_path(folder), json.dumps({"port": port, "token": token}))
        where = f"127.0.0.1:{port}"
    try:
        yield where
    finally:
        server.close()
        _remove(path or address_path(folder))
        await accept.close()


class _Acceptor:
    """Reads the first line of whoever connects, and has the rest served.

    Attributes:
        token: what a first line has to show; "" for nothing.
    """

    def __init__(self, serve: Serve) -> None:
        self.token = ""
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= _MOST_CONNECTIONS:
            _log.warning("%d connections are open; a further one was closed", len(self._tasks))
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._accept(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await self._first_line(reader)
        if first is None:
            _log.info("somebody connected and did not say rightly what he wants")
            writer.transport.abort()
            return
        try:
            await self._serve(first, reader, writer)
        except OSError as error:
            _log.info("a client is gone: %s", error)
        except Exception:  # noqa: BLE001 - one client must not end the others
            _log.exception("a client could not be served")
        finally:
            writer.close()

    async def _first_line(self, reader: asyncio.StreamReader) -> FirstLine | None:
        try:
            async with asyncio.timeout(_FIRST_LINE_S):
                first = json.loads(await reader.readline())
        except (TimeoutError, OSError, ValueError, RecursionError):
            return None
        return first if isinstance(first, dict) and self._is_known(first) else None

    def _is_known(self, first: FirstLine) -> bool:
        shown = first.get("token", "")
        return isinstance(shown, str) and secrets.compare_digest(shown.encode(), self.token.encode())


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
