"""Serves one client over a transport of whole messages, a WebSocket's for example: one JSON text each, no headers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Protocol

from pylot_ls.lsp.connection import UNCLEAN_EXIT_CODE, ClientConnection, ConnectionLimits
from pylot_ls.lsp.framing import decode_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pygls.lsp.server import LanguageServer


class MessageSocket(Protocol):
    """What messages are carried by."""

    async def receive(self) -> str | None:
        """The next message; None when the client has gone."""

    async def send(self, text: str) -> None:
        """Send a message, and wait until it is taken. OSError when the client has gone."""


async def serve_messages(
    server: LanguageServer,
    socket: MessageSocket,
    *,
    on_stop: Callable[[], Awaitable[None]],
    is_alive: Callable[[int], bool],
    limits: ConnectionLimits | None = None,
) -> int:
    """Serve one client until it exits or goes away; what its process would exit with. See ``serve_streams``."""
    return await _MessageConnection(server, socket, is_alive, limits or ConnectionLimits()).serve(on_stop)


class _MessageConnection(ClientConnection):
    """A client of whole messages."""

    def __init__(
        self, server: LanguageServer, socket: MessageSocket, is_alive: Callable[[int], bool], limits: ConnectionLimits
    ) -> None:
        super().__init__(server, is_alive, limits)
        self._socket = socket
        self._unsent: deque[str] = deque()
        self._n_unsent_bytes = 0
        self._changed = asyncio.Event()
        self._is_ending = False

    async def serve(self, on_stop: Callable[[], Awaitable[None]]) -> int:
        self.protocol.connect(self)
        reading = self.loop.create_task(self._read_forever())
        writing = self.loop.create_task(self._write_forever())
        try:
            stop = await self.stopped
        finally:
            reading.cancel()
            await self.wind_up(on_stop)
            self._is_ending = True
            self._changed.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.limits.drain_s):
                    await asyncio.shield(writing)
            writing.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
        return stop.exit_code

    def send(self, body: bytes) -> None:
        if self._n_unsent_bytes and self._n_unsent_bytes + len(body) > self.limits.max_unsent_bytes:
            waiting = f"the client does not read: {self._n_unsent_bytes} bytes are waiting for it"
            self.stop(UNCLEAN_EXIT_CODE, waiting)
            return
        self._unsent.append(body.decode("ascii"))
        self._n_unsent_bytes += len(body)
        self._changed.set()

    async def _read_forever(self) -> None:
        try:
            while (text := await self._socket.receive()) is not None:
                self.serve_events([decode_message(text)])
        finally:
            self.stop(UNCLEAN_EXIT_CODE, "the client closed the connection without 'exit'")

    async def _write_forever(self) -> None:
        while True:
            while self._unsent:
                text = self._unsent[0]
                try:
                    await self._socket.send(text)
                except OSError:
                    self.stop(UNCLEAN_EXIT_CODE, "the client closed the connection")
                    return
                self._unsent.popleft()
                self._n_unsent_bytes -= len(text)
            if self._is_ending:
                return
            self._changed.clear()
            await self._changed.wait()
