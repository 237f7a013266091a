"""The prefix cache as the engine sees it: memory at once, the disk behind a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.kvcache.disk import DiskTier
    from pylot_ls.kvcache.memory import MemoryTier

_log = logging.getLogger(__name__)

QUEUE_LIMIT_BYTES = 64 * 2**20
_CLOSE_TIMEOUT_S = 5.0


class PrefixStore:
    """Bytes under keys, on two levels. Any thread may use it; only ``prefetch``, ``flush`` and ``clear`` wait for disk.

    Args:
        memory: what ``get`` reads.
        disk: what outlives the process; from here on it belongs to the store's thread. None is memory only.
        queue_limit_bytes: the most that may wait to be written; a single larger value may wait alone.
    """

    def __init__(
        self, memory: MemoryTier, disk: DiskTier | None, *, queue_limit_bytes: int = QUEUE_LIMIT_BYTES
    ) -> None:
        self._memory = memory
        self._disk = disk
        self._queue_limit_bytes = queue_limit_bytes
        self._changed = threading.Condition()
        self._tasks: deque[Callable[[], None]] = deque()  # somebody waits for these, so they go before the writes
        self._writes: OrderedDict[bytes, bytes] = OrderedDict()
        self._replacing: set[bytes] = set()  # those of the writes that take the place of another value
        self._queued_bytes = 0
        self._working = True  # the thread begins with opening the disk
        self._closed = False
        self._counts = {"hits": 0, "misses": 0, "queue_dropped": 0}
        self._thread = threading.Thread(target=self._serve, name="pylot-ls-kvcache", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Why the disk is not used, for the user; None while it is, or where there is to be none."""
        return self._disk.problem if self._disk else None

    def limit_memory(self, n_bytes: int) -> None:
        """Keep no more than so much in memory from now on; what was used least recently goes."""
        self._memory.limit(n_bytes)

    def get(self, key: bytes) -> bytes | None:
        """Return the value that is in memory; the disk is never touched."""
        value = self._memory.get(key)
        with self._changed:
            self._counts["misses" if value is None else "hits"] += 1
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Keep the value in memory, and queue it for the disk where there is room in the queue."""
        self._memory.put(key, value)
        with self._changed:
            if key not in self._writes:
                self._queue(key, value)

    def replace(self, key: bytes, value: bytes) -> None:
        """As ``put``, for a key whose value changes: the last one counts."""
        self._memory.put(key, value)
        with self._changed:
            self._queued_bytes -= len(self._writes.pop(key, b""))
            self._replacing.discard(key)
            if self._queue(key, value):
                self._replacing.add(key)

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """Bring the values of a chain from disk to memory, in order, up to the first one that is nowhere.

        Args:
            keys: of the chain, its beginning first.
            done: called once with the number of leading keys that are in memory then; on the store's thread, or
                after ``close`` on the caller's.
        """
        task = partial(self._prefetch, tuple(keys), done)
        if not self._submit(task):
            task()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was asked for is done; return whether it was in time. Not for the store's thread."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_busy(), timeout_s)

    def clear(self) -> None:
        """Remove every trace, from memory and disk; returns when that is done.

        What another thread puts meanwhile may stay.
        """
        done = threading.Event()
        if threading.current_thread() is self._thread:
            self._clear(done)
        elif self._submit(partial(self._clear, done)):
            done.wait()
        else:
            self._thread.join(_CLOSE_TIMEOUT_S)
            self._clear(done)

    def close(self) -> None:
        """End the thread. What waits to be written is dropped, so flush before. Memory can still be read."""
        with self._changed:
            self._closed = True
            self._counts["queue_dropped"] += len(self._writes)
            self._forget_writes()
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_TIMEOUT_S)  # it is a daemon: a disk that hangs does not keep the process

    def stats(self) -> dict[str, int]:
        """Return counts since the start and sizes in bytes now; those that begin with ``disk_`` are of the disk."""
        with self._changed:
            counts = {**self._counts, "queued_bytes": self._queued_bytes}
        counts |= {"memory_bytes": self._memory.n_bytes, "memory_entries": len(self._memory)}
        disk = self._disk.stats() if self._disk else {}
        return {**counts, **{f"disk_{name}": count for name, count in disk.items()}}

    def _queue(self, key: bytes, value: bytes) -> bool:
        """Whether there is room for a value to wait. Called under the lock."""
        if self._disk is None or self._disk.problem or self._closed:
            return False
        if self._writes and self._queued_bytes + len(value) > self._queue_limit_bytes:
            self._counts["queue_dropped"] += 1
            return False
        self._writes[key] = value
        self._queued_bytes += len(value)
        self._changed.notify_all()
        return True

    def _forget_writes(self) -> None:
        self._writes.clear()
        self._replacing.clear()
        self._queued_bytes = 0

    def _submit(self, task: Callable[[], None]) -> bool:
        with self._changed:
            if self._closed:
                return False
            self._tasks.append(task)
            self._changed.notify_all()
            return True

    def _is_busy(self) -> bool:
        return self._working or bool(self._tasks) or bool(self._writes)

    def _serve(self) -> None:
        if self._disk:
            self._disk.open()
        while (task := self._next()) is not None:
            try:
                task()
            except Exception:  # noqa: BLE001 a caller's own function may raise anything; the thread goes on
                _log.exception("a task of the prefix cache failed")
        if self._disk:
            self._disk.close()

    def _next(self) -> Callable[[], None] | None:
        """The next thing to do; after ``close``, what somebody still waits for, and then None."""
        with self._changed:
            self._working = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_busy() or self._closed)
            self._working = True
            if self._tasks:
                return self._tasks.popleft()
            if self._writes:
                key, value = self._writes.popitem(last=False)
                self._queued_bytes -= len(value)
                replaces = key in self._replacing
                self._replacing.discard(key)
                return partial(self._write, key, value, replaces=replaces)
            self._working = False
            return None

    def _write(self, key: bytes, value: bytes, *, replaces: bool) -> None:
        if self._disk:
            (self._disk.replace if replaces else self._disk.put)(key, value)

    def _prefetch(self, keys: tuple[bytes, ...], done: Callable[[int], None]) -> None:
        n_bytes = 0
        for key in keys:
            value = self._memory.get(key)
            if value is None:
                value = self._read(key)
            if value is None:
                break
            n_bytes += len(value)
            # Past its limit the memory would drop the chain's own beginning.
            if n_bytes > self._memory.limit_bytes or not self._memory.put(key, value):
                break
        done(next((n for n, key in enumerate(keys) if key not in self._memory), len(keys)))

    def _read(self, key: bytes) -> bytes | None:
        with self._changed:
            if self._closed:
                return None
            waiting = self._writes.get(key)
        return waiting if waiting is not None or self._disk is None else self._disk.get(key)

    def _clear(self, done: threading.Event) -> None:
        try:
            with self._changed:
                self._forget_writes()
            self._memory.clear()
            if self._disk:
                self._disk.clear()
        finally:
            done.set()
