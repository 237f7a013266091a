"""Serves one client over a pair of asyncio streams, a socket's for example: the same frames as on stdio."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from pylot_ls.lsp.connection import UNCLEAN_EXIT_CODE, ClientConnection, ConnectionLimits
from pylot_ls.lsp.framing import encode_frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pygls.lsp.server import LanguageServer

_READ_BYTES = 64 * 1024


async def serve_streams(
    server: LanguageServer,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    on_stop: Callable[[], Awaitable[None]],
    is_alive: Callable[[int], bool],
    limits: ConnectionLimits | None = None,
) -> int:
    """Serve one client until it exits or goes away; what its process would exit with.

    Cancelling the coroutine ends the connection in the same way. The streams are closed then.

    Args:
        server: built with ``protocol_cls=PylotProtocol``, with its handlers registered.
        reader: what the client sends.
        writer: what it reads.
        on_stop: frees what the handlers used; an exception of it is logged.
        is_alive: whether a process id is of a living process.
        limits: the defaults if None.
    """
    connection = _StreamConnection(server, reader, writer, is_alive, limits or ConnectionLimits())
    return await connection.serve(on_stop)


class _StreamConnection(ClientConnection):
    """A client on streams of the running loop."""

    def __init__(
        self,
        server: LanguageServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_alive: Callable[[int], bool],
        limits: ConnectionLimits,
    ) -> None:
        super().__init__(server, is_alive, limits)
        self._reader = reader
        self._writer = writer

    async def serve(self, on_stop: Callable[[], Awaitable[None]]) -> int:
        self.protocol.connect(self)
        reading = self.loop.create_task(self._read_forever())
        try:
            stop = await self.stopped
        finally:
            reading.cancel()
            await self.wind_up(on_stop)
            await self._close()
        return stop.exit_code

    def send(self, body: bytes) -> None:
        frame = encode_frame(body)
        n_waiting = self._writer.transport.get_write_buffer_size()
        if self._writer.is_closing():
            self.stop(UNCLEAN_EXIT_CODE, "the client closed the connection")
        elif n_waiting and n_waiting + len(frame) > self.limits.max_unsent_bytes:
            self.stop(UNCLEAN_EXIT_CODE, f"the client does not read: {n_waiting} bytes are waiting for it")
            self._writer.transport.abort()
        else:
            self._writer.write(frame)

    async def _read_forever(self) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await self._reader.read(_READ_BYTES):
                    self.feed(data)
        finally:
            self.stop(UNCLEAN_EXIT_CODE, "the client closed the connection without 'exit'")

    async def _close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(self.limits.drain_s):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):
            self._writer.transport.abort()
