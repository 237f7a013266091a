"""Backends in a process of their own: when native code ends it, its requests fail and another one is started.

    RemoteBackend ──frames──> stdin of the child ──> its backends
    sessions' sinks <── reader thread <──frames── stdout of the child

llama.cpp ends the process it runs in where it meets what it did not foresee. The process that serves editors must not
be that one.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from pylot_ls.engine.restarts import Restarts, how_it_ended
from pylot_ls.engine.types import (
    Failed,
    Finished,
    FinishReason,
    LoadFailed,
    Loading,
    Ready,
    Token,
    Usage,
)
from pylot_ls.engine.wire import WireError, frame, read_frame
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pylot_ls.engine.backend import EventSink
    from pylot_ls.engine.types import Event, GenerateRequest, KnownText

_log = logging.getLogger(__name__)

# What is left to be saved at the end is saved within this time.
_CLOSE_S = 10.0
_EXIT_S = 5.0
_CREATION_FLAGS = 0
if sys.platform == "win32":
    # A process without a console would be given one, with a window.
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW


class RemoteProcess:
    """Keeps a process running whose backends are used here.

    Args:
        command: starts it. It reads frames on its stdin and writes frames to its stdout, and ends with its stdin.
        first: what it is told first, once each time that it is started.
        environment: its environment; None for ours.
        restarts: how soon it is started again.

    Attributes:
        tell: called with messages of it for the user, on a thread of this one's own.
    """

    def __init__(
        self,
        command: Sequence[str],
        first: Sequence[Any],
        *,
        environment: Mapping[str, str] | None = None,
        restarts: Restarts | None = None,
    ) -> None:
        self.tell: Callable[[str], None] = _log.warning
        self._command = tuple(command)
        self._first = frame("begin", *first)
        self._environment = environment
        self._restarts = restarts or Restarts()
        self._backends: list[RemoteBackend] = []
        self._changed = threading.Condition()
        self._outbox: queue.SimpleQueue[bytes | None] | None = None  # of the process that there is now
        self._thread: threading.Thread | None = None
        self._n_open = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id; 0 while there is none."""
        process = self._process
        return process.pid if process is not None else 0

    @property
    def n_recent_ends(self) -> int:
        """How often it ended lately by itself."""
        return self._restarts.n_recent

    def backend(self) -> RemoteBackend:
        """The next of its backends, in the order in which it has them."""
        made = RemoteBackend(self, len(self._backends))
        self._backends.append(made)
        return made

    def send(self, *values: Any) -> bool:
        """Queue a message; False where there is no process now."""
        outbox = self._outbox
        if outbox is not None:
            outbox.put(frame(*values))
        return outbox is not None

    def opened(self) -> None:
        """A backend was started: there is to be a process."""
        with self._changed:
            self._n_open += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._supervise, name="pylot-engine-process", daemon=True)
                self._thread.start()

    def closed(self) -> None:
        """A backend was closed; with the last one the process ends, and this returns when it has."""
        with self._changed:
            self._n_open -= 1
            if self._n_open:
                return
            self.send("close")
            self._changed.notify_all()
            thread = self._thread
        if thread is None:
            return
        thread.join(_CLOSE_S)
        process = self._process
        if process is not None and thread.is_alive():
            _log.warning("the engine's process does not end within %.0f s", _CLOSE_S)
            process.kill()
            thread.join(_EXIT_S)

    def _supervise(self) -> None:
        while self._n_open:
            try:
                ended = self._run_once()
            except OSError as error:
                ended = f"it cannot be started: {error.strerror}"
            except Exception as error:  # noqa: BLE001 - without this thread nobody would start it again
                _log.exception("what keeps the engine's process running failed")
                ended = type(error).__name__
            if not self._n_open:
                return
            pause_s = self._restarts.ended()
            _log.error("the engine's process ended (%s); it is started again in %.0f s", ended, pause_s)
            for backend in self._backends:
                backend.lost(ended, pause_s, self._restarts.n_recent)
            with self._changed:
                self._changed.wait_for(lambda: not self._n_open, pause_s)

    def _run_once(self) -> str:
        """Start it, and hear it to its end; how it ended."""
        process = subprocess.Popen(  # noqa: S603 - our own program
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            creationflags=_CREATION_FLAGS,
        )
        outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        outbox.put(self._first)
        writer = threading.Thread(target=_write_forever, args=(process.stdin, outbox), daemon=True)
        writer.start()
        with self._changed:
            self._process, self._outbox = process, outbox
            for backend in self._backends:
                backend.begin_again(outbox)
            if not self._n_open:
                outbox.put(frame("close"))
        try:
            self._hear(process)
        finally:
            # From here on nobody is told that there is a process; what was sent to it is lost.
            with self._changed:
                self._process, self._outbox = None, None
            for backend in self._backends:
                backend.cut_off()
            outbox.put(None)
            ended = _end(process)
            writer.join()
        return ended

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        source = process.stdout
        try:
            while source is not None and (values := read_frame(source)) is not None:
                self._take(*values)
        except (WireError, OSError, TypeError, IndexError) as error:
            _log.error("the engine's process says what is no message (%s)", error)
            process.kill()

    def _take(self, kind: str, *values: Any) -> None:
        if kind == "event":
            number, event = values
            self._backends[number].receive(event)
        elif kind == "loaded":
            number, is_loaded = values
            self._backends[number].is_loaded = bool(is_loaded)
        elif kind == "tell":
            self.tell(values[0])


class RemoteBackend:
    """See ``Backend``: one that runs in a ``RemoteProcess``.

    Attributes:
        is_loaded: see ``Unloadable``.
    """

    def __init__(self, process: RemoteProcess, number: int) -> None:
        self._process = process
        self._number = number
        self._lock = threading.Lock()
        self._sink: EventSink = _nobody
        self._is_started = False
        self._is_closed = False
        self._in_flight: set[str] = set()
        self._held: dict[str, GenerateRequest] = {}  # until there is a process
        self._texts: dict[tuple[str, str], KnownText] = {}
        # Of the process that there is now; its own, so that nothing is sent before "start".
        self._outbox: queue.SimpleQueue[bytes | None] | None = None
        self._why_not: str | None = None
        self.is_loaded = False

    def start(self, sink: EventSink) -> None:
        """Begin to load the model; with the first backend the process is started."""
        self._sink = sink
        with self._lock:
            self._is_started = True
            self._send("start")
        self._process.opened()

    def submit(self, request: GenerateRequest) -> None:
        """Queue a request."""
        with self._lock:
            why_not, kind = self._why_not, "EngineError"
            if self._is_closed:
                why_not, kind = "the engine was closed", "EngineClosedError"
            if why_not is None:
                self._in_flight.add(request.request_id)
                if not self._send("submit", request):
                    self._held[request.request_id] = request
        if why_not is not None:
            self._sink(Failed(request.request_id, why_not, kind))

    def cancel(self, request_id: str) -> None:
        """End a request, also one that waits for the process."""
        with self._lock:
            was_held = self._held.pop(request_id, None) is not None
            if was_held:
                self._in_flight.discard(request_id)
            else:
                self._send("cancel", request_id)
        if was_held:
            self._sink(Finished(request_id, FinishReason.CANCELLED, "", Usage()))

    def learn(self, text: KnownText) -> None:
        """Take note of a text, or forget it; a process that is started again learns what is known then."""
        with self._lock:
            key = text.session, text.text_id
            if text.text is None:
                self._texts.pop(key, None)
            else:
                self._texts[key] = text
            self._send("learn", text)

    def reload(self) -> None:
        """See ``Unloadable``. While the process waits to be started again, that is not hurried."""
        with self._lock:
            why_not = None if self._send("reload") else self._why_not
        if why_not is not None:
            self._sink(LoadFailed(why_not, "EngineError"))

    def close(self) -> None:
        """End all requests; with the last backend the process ends."""
        with self._lock:
            self._is_closed = True
            in_flight = self._take_in_flight()
            was_started = self._is_started
        for request_id in in_flight:
            self._sink(Finished(request_id, FinishReason.CANCELLED, "", Usage()))
        if was_started:
            self._process.closed()

    def _send(self, what: str, *values: Any) -> bool:
        """Queue a message, with the lock held; False where there is no process now."""
        if self._outbox is None:
            return False
        self._outbox.put(frame(what, self._number, *values))
        return True

    # What follows is called by the process's own thread.

    def begin_again(self, outbox: queue.SimpleQueue[bytes | None]) -> None:
        """There is a process: tell it what this backend was told before."""
        with self._lock:
            self._why_not, self._outbox = None, outbox
            if not self._is_started:
                return
            self._send("start")
            for text in self._texts.values():
                self._send("learn", text)
            for request in self._held.values():
                self._send("submit", request)
            self._held.clear()
        self._sink(Loading(0.0))

    def cut_off(self) -> None:
        """Nothing reaches the process any more."""
        with self._lock:
            self._outbox = None

    def receive(self, event: Event) -> None:
        """Something happened there."""
        if isinstance(event, Ready | LoadFailed):
            self.is_loaded = isinstance(event, Ready)
        elif not isinstance(event, Token | Loading):
            with self._lock:
                if event.request_id not in self._in_flight:
                    return  # its end was told here
                self._in_flight.discard(event.request_id)
        self._sink(event)

    def lost(self, ended: str, pause_s: float, n_ends: int) -> None:
        """The process is gone, and its requests with it."""
        self.is_loaded = False
        with self._lock:
            in_flight = self._take_in_flight(but_held=not pause_s)
            if pause_s:
                self._why_not = Message(
                    "the engine's process ended {n} times in a short time (last: {reason}); it is started again in "
                    "{seconds} s. If it goes on so, choose another model, or see the log: pylot-ls serve --status",
                    n=n_ends,
                    reason=ended,
                    seconds=int(pause_s),
                )
        if not self._is_started or self._is_closed:
            return
        failure = Message(
            "the engine's process ended while it worked on this ({reason}); it is started again, ask once more",
            reason=ended,
        )
        for request_id in in_flight:
            self._sink(Failed(request_id, failure))
        self._sink(LoadFailed(self._why_not, "EngineError") if self._why_not else Loading(0.0))

    def _take_in_flight(self, *, but_held: bool = False) -> list[str]:
        """The requests in flight, which are so no longer; ``but_held``: those stay that no process has seen."""
        if not but_held:
            self._held.clear()
        taken = sorted(self._in_flight - self._held.keys())
        self._in_flight = set(self._held)
        return taken


def _write_forever(target: Any, outbox: queue.SimpleQueue[bytes | None]) -> None:
    with contextlib.suppress(OSError, ValueError):  # it has ended; the reader knows
        while (data := outbox.get()) is not None:
            target.write(data)
            if outbox.empty():
                target.flush()
    with contextlib.suppress(OSError):
        target.close()


def _end(process: subprocess.Popen[bytes]) -> str:
    """Wait for a process that has closed its stdout; how it ended."""
    try:
        returncode = process.wait(_EXIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        returncode = process.wait()
    if process.stdout is not None:
        process.stdout.close()
    return how_it_ended(returncode)


def _nobody(_event: object) -> None:
    """The sink before ``start``."""
