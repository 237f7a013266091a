"""Serves one client over stdin and stdout: threads for the blocking ends, one event loop for all the rest.

    stdin ──reader thread──> event loop: decoder, protocol, handlers ──bounded queue──> writer thread ──> stdout

The event loop never waits for the client: neither for one that sends nothing nor for one that reads nothing. Threads
instead of asyncio's pipes, since these do not exist on Windows for inherited handles, and change the mode of a pipe
that others share.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pylot_ls.errors import PylotError
from pylot_ls.lsp.frame_writer import FrameWriter
from pylot_ls.lsp.framing import MAX_BODY_BYTES, Frame, FrameDecoder, FramingEvent, encode_frame
from pylot_ls.lsp.parent import can_be_watched, wait_for_death
from pylot_ls.lsp.protocol import PylotProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from pygls.lsp.server import LanguageServer

_log = logging.getLogger(__name__)

_READ_BYTES = 64 * 1024
_N_UNREAD_CHUNKS = 16  # read from stdin, not yet seen by the event loop
_UNCLEAN_EXIT_CODE = 1
_SIGNAL_EXIT_CODE = 128  # plus the signal's number, as shells have it


@dataclass(frozen=True, slots=True)
class StdioLimits:
    """Bounds of a connection.

    Attributes:
        max_body_bytes: the largest message taken from the client.
        max_unsent_bytes: what may wait for a client that does not read; above it the server ends.
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


class StdioStreams(NamedTuple):
    """File descriptors that are LSP's alone."""

    input_fd: int
    output_fd: int


class _Stop(NamedTuple):
    exit_code: int
    reason: str


def claim_stdio() -> StdioStreams:
    """Take stdin and stdout for LSP: call it once, before anything else can print.

    From here on whatever writes to file descriptor 1, from Python or from native code, writes to stderr, and whatever
    reads from 0, as a child process might, reads nothing.

    Raises:
        PylotError: stdin or stdout is closed.
    """
    try:
        streams = StdioStreams(os.dup(0), os.dup(1))
    except OSError as error:
        raise PylotError(
            "stdin or stdout is closed; a language server talks over both: start it from an editor"
        ) from error
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # there is no stderr
        os.dup2(nowhere, 1)
    os.close(nowhere)
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 it exists there alone

        for fd in streams:
            msvcrt.setmode(fd, os.O_BINARY)
    else:
        for fd in streams:
            os.set_blocking(fd, True)  # a client may have passed on its own non-blocking ends
    return streams


async def serve_stdio(
    server: LanguageServer,
    *,
    on_stop: Callable[[], Awaitable[None]],
    is_alive: Callable[[int], bool],
    streams: StdioStreams | None = None,
    limits: StdioLimits | None = None,
) -> int:
    """Serve one client until it exits, goes away, or the process is told to end; return the process's exit code.

    Every end takes the same way: no more input is served, requests in flight are cancelled and answered, ``on_stop``
    runs once, what is left to send is sent. Threads may then still block on the client; they do not hold up the
    process's end.

    Args:
        server: built with ``protocol_cls=PylotProtocol``, with its handlers registered.
        on_stop: frees what the handlers used; an exception of it is logged.
        is_alive: whether a process id is of a living process.
        streams: what ``claim_stdio`` returned, where that was called before.
        limits: the defaults if None.
    """
    protocol = server.protocol
    if not isinstance(protocol, PylotProtocol):
        raise TypeError("serve_stdio needs a server with protocol_cls=PylotProtocol")
    connection = _StdioConnection(protocol, streams or claim_stdio(), is_alive, limits or StdioLimits())
    return await connection.serve(on_stop)


class _StdioConnection:
    """The transport of one client; implements ``protocol.Connection``."""

    def __init__(
        self, protocol: PylotProtocol, streams: StdioStreams, is_alive: Callable[[int], bool], limits: StdioLimits
    ) -> None:
        self._protocol = protocol
        self._input_fd = streams.input_fd
        self._is_alive = is_alive
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._decoder = FrameDecoder(max_body_bytes=limits.max_body_bytes)
        self._writer = FrameWriter(
            streams.output_fd,
            limits.max_unsent_bytes,
            on_broken=lambda reason: self._from_thread(self.stop, _UNCLEAN_EXIT_CODE, reason),
            on_end=lambda: self._from_thread(self._all_sent.set),
        )
        self._unread_chunks = threading.Semaphore(_N_UNREAD_CHUNKS)
        self._stopped: asyncio.Future[_Stop] = self._loop.create_future()
        self._all_sent = asyncio.Event()
        self._stall_timer: asyncio.TimerHandle | None = None
        self._parent_watch: asyncio.Task[None] | None = None

    async def serve(self, on_stop: Callable[[], Awaitable[None]]) -> int:
        self._protocol.connect(self)
        with _stop_on_signals(self.stop):
            threading.Thread(target=self._read_forever, name="lsp-reader", daemon=True).start()
            self._writer.start()
            try:
                stop = await self._stopped
            finally:
                await self._end(on_stop)
        return stop.exit_code

    def send(self, body: bytes) -> None:
        self._writer.write(encode_frame(body))

    def stop(self, exit_code: int, reason: str) -> None:
        if not self._stopped.done():
            _log.log(logging.WARNING if exit_code else logging.INFO, "Stopping: %s.", reason)
            self._stopped.set_result(_Stop(exit_code, reason))

    def watch_parent(self, pid: int) -> None:
        # The first look is now, before initialize is answered: after that the parent may already have died.
        if can_be_watched(pid, is_alive=self._is_alive):
            self._parent_watch = self._loop.create_task(self._stop_without_parent(pid))

    async def _stop_without_parent(self, pid: int) -> None:
        await wait_for_death(pid, is_alive=self._is_alive, interval_s=self._limits.parent_interval_s)
        self.stop(_UNCLEAN_EXIT_CODE, f"the client's process {pid} is gone")

    def _read_forever(self) -> None:
        while True:
            self._unread_chunks.acquire()  # a flood of input waits in the pipe, not here
            try:
                # os.read and not sys.stdin: its lock, held by a thread that blocks, ends the interpreter badly.
                data = os.read(self._input_fd, _READ_BYTES)
            except OSError:
                data = b""
            self._from_thread(self._take_input, data)
            if not data:
                return

    def _from_thread(self, callback: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
            self._loop.call_soon_threadsafe(callback, *args)

    def _take_input(self, data: bytes) -> None:
        self._unread_chunks.release()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        if not data:
            self.stop(_UNCLEAN_EXIT_CODE, "the client closed the server's stdin without 'exit'")
            return
        self._dispatch(self._decoder.feed(data))
        if self._decoder.inside_body:
            self._stall_timer = self._loop.call_later(
                self._limits.stall_s, lambda: self._dispatch(self._decoder.stalled())
            )

    def _dispatch(self, events: list[FramingEvent]) -> None:
        for event in events:
            if self._stopped.done():
                return
            try:
                if isinstance(event, Frame):
                    self._protocol.handle_message(event.value)
                else:
                    self._protocol.handle_fault(event)
            except Exception:  # noqa: BLE001 the protocol is not expected to raise
                # One message must not take the rest of its chunk with it.
                _log.exception("A message could not be handled.")

    async def _end(self, on_stop: Callable[[], Awaitable[None]]) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        if self._parent_watch is not None:
            self._parent_watch.cancel()
        await self._protocol.close(timeout_s=self._limits.handlers_s)
        try:
            async with asyncio.timeout(self._limits.stop_s):
                await on_stop()
        except TimeoutError:
            _log.warning("Cleaning up took over %s s and was broken off.", self._limits.stop_s)
        except Exception:  # noqa: BLE001 the hook may raise anything; the process ends all the same
            _log.exception("Cleaning up failed.")
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_s):
                await self._all_sent.wait()


@contextlib.contextmanager
def _stop_on_signals(stop: Callable[[int, str], None]) -> Iterator[None]:
    """Have SIGTERM and SIGINT call ``stop`` on the running loop; where this is no main thread, leave them alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as undo:
        for number in (signal.SIGTERM, signal.SIGINT):
            undo.callback(_hear(loop, number, stop))
        yield


def _hear(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, stop: Callable[[int, str], None]
) -> Callable[[], Any]:
    """Have one signal call ``stop``; return what undoes it."""
    end = partial(stop, _SIGNAL_EXIT_CODE + number, f"received {number.name}")
    before = signal.getsignal(number)
    try:
        # Not signal.signal: the kernel may hand the signal to the reader thread, and then the loop, waiting for
        # input, would only look at it when something else comes in. The loop's own way wakes it.
        loop.add_signal_handler(number, end)
    except NotImplementedError:  # Windows, where signals reach the main thread and its loop wakes up
        signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(end))
        return partial(signal.signal, number, before)

    def undo() -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL if before is None else before)

    return undo
