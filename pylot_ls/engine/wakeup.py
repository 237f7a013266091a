"""Wakes an event loop from another thread without letting go of the interpreter's lock."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_READ_BYTES = 4096


class Wakeup:
    """Calls a function on an event loop's thread, as ``call_soon_threadsafe`` does.

    That one writes to a socket, for which it lets go of the lock, and the loop's thread takes it: whoever woke it then
    waits until the loop has nothing more to do. Here the write keeps the lock, so the loop goes on when its waker next
    lets go by itself. Where the loop cannot watch a pipe (Windows' own), it is ``call_soon_threadsafe``.

    Args:
        loop: the running loop.
        callback: what it calls; several calls to ``wake`` may become one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._pipe: tuple[int, int] | None = None
        if sys.platform == "win32":
            return
        pipe = os.pipe()
        for end in pipe:
            os.set_blocking(end, False)
        try:
            loop.add_reader(pipe[0], self._read)
        except NotImplementedError:
            for end in pipe:
                os.close(end)
            return
        self._pipe = pipe
        # A PyDLL's functions are called with the lock held.
        self._write = ctypes.PyDLL(None).write

    def wake(self) -> None:
        """Have the callback called soon; from any thread."""
        if self._pipe is not None:
            # A full pipe wakes the loop as well.
            self._write(self._pipe[1], b"\0", 1)
            return
        # The loop may end before; then nobody listens.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._callback)

    def close(self) -> None:
        """Watch no longer; on the loop's thread, once nobody wakes it any more."""
        if self._pipe is not None:
            self._loop.remove_reader(self._pipe[0])
            for end in self._pipe:
                os.close(end)
            self._pipe = None

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if self._pipe is not None:
                os.read(self._pipe[0], _READ_BYTES)
        self._callback()
