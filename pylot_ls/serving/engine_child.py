"""The process that holds the models of the shared server: run by ``RemoteProcess``, at the other end of its pipes.

What it is told and what it says are frames (``engine/wire.py``). It ends when it is told to, or with its stdin.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import json
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from pylot_ls import trace
from pylot_ls.config.settings import Settings
from pylot_ls.config.wiring import make_backends
from pylot_ls.engine.file_watch import FileWatch
from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.unloading import Unloadable
from pylot_ls.engine.wire import frame, read_frame

if TYPE_CHECKING:
    from pylot_ls.engine.backend import Backend
    from pylot_ls.engine.types import Event
    from pylot_ls.kvcache.store import PrefixStore


class Child:
    """Serves the backends of some settings.

    Args:
        target: where frames are written.
        settings: choose the models.
    """

    def __init__(self, target: BinaryIO, settings: Settings) -> None:
        self._target = target
        self._writing = threading.Lock()
        backends, store = make_backends(settings)
        self.backends: list[Backend] = list(dict.fromkeys(backends.values()))
        self._store: PrefixStore | None = store
        self._started: set[int] = set()
        self._were_loaded = [False] * len(self.backends)

    def serve(self, source: BinaryIO) -> None:
        """Do as told until told to end."""
        while (values := read_frame(source)) is not None and values[0] != "close":
            self._do(*values)
        for number in self._started:
            self.backends[number].close()
        if self._store is not None:
            self._store.close()

    def write(self, *values: Any) -> None:
        """Write a frame; from any thread."""
        data = frame(*values)
        with self._writing:
            self._target.write(data)
            self._target.flush()

    def watched(self) -> list[PooledBackend]:
        """The backends whose files may change."""
        return [each for number in self._started if isinstance(each := self.backends[number], PooledBackend)]

    def _do(self, what: str, number: int = 0, *values: Any) -> None:
        if what == "clear":
            if self._store is not None:
                # It waits for the disk.
                threading.Thread(target=self._store.clear, daemon=True).start()
            return
        backend = self.backends[number]
        if what == "start":
            if number not in self._started:
                self._started.add(number)
                backend.start(partial(self._tell, number))
        elif what == "submit":
            backend.submit(*values)
        elif what == "cancel":
            backend.cancel(*values)
        elif what == "learn":
            backend.learn(*values)
        elif what == "reload" and isinstance(backend, Unloadable):
            # It waits for the requests in flight.
            threading.Thread(target=backend.reload, daemon=True).start()

    def _tell(self, number: int, event: Event) -> None:
        """Called on a backend's thread."""
        self.write("event", number, event)
        # One may have made way for this one.
        for other in self._started:
            backend = self.backends[other]
            if isinstance(backend, Unloadable) and backend.is_loaded != self._were_loaded[other]:
                self._were_loaded[other] = backend.is_loaded
                self.write("loaded", other, backend.is_loaded)


def main() -> None:
    """Serve stdin and stdout."""
    # Meant for whoever started us, who will say so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, target = _claim_stdio()
    faulthandler.enable()
    gc.freeze()  # as ``__main__`` does
    first = read_frame(source)
    if first is None:
        return
    # Not as JSON: pydantic then takes no path that a validator of ours has made.
    settings = Settings.model_validate(json.loads(first[1]))
    trace.configure(settings.log.level, None)
    child = Child(target, settings)
    threading.Thread(target=_watch, args=(child,), daemon=True).start()
    try:
        child.serve(source)
    except BrokenPipeError:
        # Whoever it worked for is gone.
        os._exit(1)


def _claim_stdio() -> tuple[BinaryIO, BinaryIO]:
    """What was stdin and stdout; whatever else prints, native code too, prints to stderr from here on."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    return source, target


def _watch(child: Child) -> None:
    asyncio.run(FileWatch(partial(child.write, "tell")).watch(child.watched))


if __name__ == "__main__":
    main()
