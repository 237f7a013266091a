"""The thread that writes to the client, and the bounded queue before it."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class FrameWriter:
    """Writes frames to a file descriptor on a thread of its own.

    Args:
        fd: blocking.
        max_unsent_bytes: the bound of the queue; a frame above it is still taken into an empty queue.
        on_broken: called once, from any thread, when nothing more can be sent; the text is the reason.
        on_end: called from the thread when it ends.
    """

    def __init__(
        self, fd: int, max_unsent_bytes: int, *, on_broken: Callable[[str], None], on_end: Callable[[], None]
    ) -> None:
        self._fd = fd
        self._max_unsent_bytes = max_unsent_bytes
        self._on_broken = on_broken
        self._on_end = on_end
        self._changed = threading.Condition()  # guards all below
        self._queue: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._closed = False

    def start(self) -> None:
        """Start the thread; what was written before waits for it."""
        threading.Thread(target=self._write_forever, name="lsp-writer", daemon=True).start()

    def write(self, frame: bytes) -> None:
        """Queue a frame, from any thread; dropped once nothing more can be sent."""
        with self._changed:
            if self._closed:
                return
            if not self._unsent_bytes or self._unsent_bytes + len(frame) <= self._max_unsent_bytes:
                self._queue.append(frame)
                self._unsent_bytes += len(frame)
                self._changed.notify()
                return
            waiting = self._unsent_bytes
        self._break(f"the client does not read: {waiting} bytes are waiting for it")

    def close(self) -> None:
        """Take no more; the thread ends when the queue is empty."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _break(self, reason: str) -> None:
        with self._changed:
            if not self._closed:
                self._on_broken(reason)
            self._closed = True
            self._queue.clear()
            self._changed.notify()

    def _write_forever(self) -> None:
        try:
            while (frame := self._next_frame()) is not None:
                rest = memoryview(frame)
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
                with self._changed:
                    self._unsent_bytes -= len(frame)
        except OSError as error:
            self._break(f"the client closed the server's stdout ({error.strerror})")
        finally:
            self._on_end()

    def _next_frame(self) -> bytes | None:
        with self._changed:
            while not self._queue:
                if self._closed:
                    return None
                self._changed.wait()
            return self._queue.popleft()
