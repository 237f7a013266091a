"""One client, whatever it is connected by: what it sends is decoded and served, and every end takes the same way."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pylot_ls.lsp.framing import MAX_BODY_BYTES, Frame, FrameDecoder, FramingEvent
from pylot_ls.lsp.parent import can_be_watched, wait_for_death
from pylot_ls.lsp.protocol import PylotProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pygls.lsp.server import LanguageServer

_log = logging.getLogger(__name__)

UNCLEAN_EXIT_CODE = 1


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of a connection.

    Attributes:
        max_body_bytes: the largest message taken from the client.
        max_unsent_bytes: what may wait for a client that does not read; above it the connection ends.
        stall_s: how long nothing comes in the middle of a message until its Content-Length is doubted.
        parent_interval_s: the time between two looks at the parent process.
        handlers_s, stop_s, drain_s: at the end, the time given to running handlers, to ``on_stop`` and to the
            client to read what is left.
    """

    max_body_bytes: int = MAX_BODY_BYTES
    max_unsent_bytes: int = 32 * 1024 * 1024
    stall_s: float = 0.5
    parent_interval_s: float = 0.5
    handlers_s: float = 0.25
    stop_s: float = 0.75
    drain_s: float = 0.25


class Stop(NamedTuple):
    """Why a connection ends, and what its process would exit with."""

    exit_code: int
    reason: str


class ClientConnection:
    """What all transports share; with ``send`` it is a ``protocol.Connection``.

    Args:
        server: built with ``protocol_cls=PylotProtocol``, with its handlers registered.
        is_alive: whether a process id is of a living process.
        limits: see ConnectionLimits.

    Attributes:
        stopped: done once the connection is to end.
    """

    def __init__(self, server: LanguageServer, is_alive: Callable[[int], bool], limits: ConnectionLimits) -> None:
        protocol = server.protocol
        if not isinstance(protocol, PylotProtocol):
            raise TypeError("a connection needs a server with protocol_cls=PylotProtocol")
        self.loop = asyncio.get_running_loop()
        self.limits = limits
        self.stopped: asyncio.Future[Stop] = self.loop.create_future()
        self.protocol = protocol
        self._is_alive = is_alive
        self._decoder = FrameDecoder(max_body_bytes=limits.max_body_bytes)
        self._stall_timer: asyncio.TimerHandle | None = None
        self._parent_watch: asyncio.Task[None] | None = None

    def stop(self, exit_code: int, reason: str) -> None:
        """See ``protocol.Connection``."""
        if not self.stopped.done():
            _log.log(logging.WARNING if exit_code else logging.INFO, "Stopping: %s.", reason)
            self.stopped.set_result(Stop(exit_code, reason))

    def watch_parent(self, pid: int) -> None:
        """See ``protocol.Connection``."""
        # The first look is now, before initialize is answered: after that the parent may already have died.
        if can_be_watched(pid, is_alive=self._is_alive):
            self._parent_watch = self.loop.create_task(self._stop_without_parent(pid))

    async def _stop_without_parent(self, pid: int) -> None:
        await wait_for_death(pid, is_alive=self._is_alive, interval_s=self.limits.parent_interval_s)
        self.stop(UNCLEAN_EXIT_CODE, f"the client's process {pid} is gone")

    def feed(self, data: bytes) -> None:
        """Serve what has come in of a stream of frames."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        self.serve_events(self._decoder.feed(data))
        if self._decoder.inside_body:
            self._stall_timer = self.loop.call_later(
                self.limits.stall_s, lambda: self.serve_events(self._decoder.stalled())
            )

    def serve_events(self, events: Iterable[FramingEvent]) -> None:
        """Serve decoded messages, until one of them ends the connection."""
        for event in events:
            if self.stopped.done():
                return
            try:
                if isinstance(event, Frame):
                    self.protocol.handle_message(event.value)
                else:
                    self.protocol.handle_fault(event)
            except Exception:  # noqa: BLE001 the protocol is not expected to raise
                # One message must not take the rest of its chunk with it.
                _log.exception("A message could not be handled.")

    async def wind_up(self, on_stop: Callable[[], Awaitable[None]]) -> None:
        """Serve no more input, answer the requests in flight as cancelled, run ``on_stop``; what it raises is logged.

        What is left to send the transport has to send after this.
        """
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        if self._parent_watch is not None:
            self._parent_watch.cancel()
        await self.protocol.close(timeout_s=self.limits.handlers_s)
        try:
            async with asyncio.timeout(self.limits.stop_s):
                await on_stop()
        except TimeoutError:
            _log.warning("Cleaning up took over %s s and was broken off.", self.limits.stop_s)
        except Exception:  # noqa: BLE001 the hook may raise anything; the connection ends all the same
            _log.exception("Cleaning up failed.")
