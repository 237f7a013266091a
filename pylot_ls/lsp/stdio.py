"""Serves one client over stdin and stdout: threads for the blocking ends, one event loop for all the rest.

    stdin ──reader thread──> event loop: decoder, protocol, handlers ──bounded queue──> writer thread ──> stdout

The event loop never waits for the client: neither for one that sends nothing nor for one that reads nothing. Threads
instead of asyncio's pipes, since these do not exist on Windows for inherited handles, and change the mode of a pipe
that others share.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pylot_ls.errors import PylotError
from pylot_ls.lsp.connection import UNCLEAN_EXIT_CODE, ClientConnection, ConnectionLimits
from pylot_ls.lsp.frame_writer import FrameWriter
from pylot_ls.lsp.framing import encode_frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from pygls.lsp.server import LanguageServer

_READ_BYTES = 64 * 1024
_N_UNREAD_CHUNKS = 16  # read from stdin, not yet seen by the event loop
_SIGNAL_EXIT_CODE = 128  # plus the signal's number, as shells have it


class StdioStreams(NamedTuple):
    """File descriptors that are LSP's alone."""

    input_fd: int
    output_fd: int


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
    limits: ConnectionLimits | None = None,
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
    connection = _StdioConnection(server, streams, is_alive, limits or ConnectionLimits())
    return await connection.serve(on_stop)


class _StdioConnection(ClientConnection):
    """A client on file descriptors."""

    def __init__(
        self,
        server: LanguageServer,
        streams: StdioStreams | None,
        is_alive: Callable[[int], bool],
        limits: ConnectionLimits,
    ) -> None:
        super().__init__(server, is_alive, limits)
        streams = streams or claim_stdio()
        self._input_fd = streams.input_fd
        self._writer = FrameWriter(
            streams.output_fd,
            limits.max_unsent_bytes,
            on_broken=lambda reason: self._from_thread(self.stop, UNCLEAN_EXIT_CODE, reason),
            on_end=lambda: self._from_thread(self._all_sent.set),
        )
        self._unread_chunks = threading.Semaphore(_N_UNREAD_CHUNKS)
        self._all_sent = asyncio.Event()

    async def serve(self, on_stop: Callable[[], Awaitable[None]]) -> int:
        self.protocol.connect(self)
        with stop_on_signals(self.stop):
            threading.Thread(target=self._read_forever, name="lsp-reader", daemon=True).start()
            self._writer.start()
            try:
                stop = await self.stopped
            finally:
                await self._end(on_stop)
        return stop.exit_code

    def send(self, body: bytes) -> None:
        self._writer.write(encode_frame(body))

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
            self.loop.call_soon_threadsafe(callback, *args)

    def _take_input(self, data: bytes) -> None:
        self._unread_chunks.release()
        if data:
            self.feed(data)
        else:
            self.stop(UNCLEAN_EXIT_CODE, "the client closed the server's stdin without 'exit'")

    async def _end(self, on_stop: Callable[[], Awaitable[None]]) -> None:
        await self.wind_up(on_stop)
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.drain_s):
                await self._all_sent.wait()


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[int, str], None]) -> Iterator[None]:
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
