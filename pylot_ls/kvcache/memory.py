"""Values in memory, the least recently used out first."""

from __future__ import annotations

import threading
from collections import OrderedDict


class MemoryTier:
    """A map from keys to values that never holds more than its limit. Any thread may use it.

    Args:
        limit_bytes: the most that all values together may have; keys are not counted.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._values: OrderedDict[bytes, bytes] = OrderedDict()
        self._n_bytes = 0

    @property
    def n_bytes(self) -> int:
        """The size of all values, in bytes."""
        with self._lock:
            return self._n_bytes

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)

    def __contains__(self, key: bytes) -> bool:
        """Whether the key has a value; asking does not count as use."""
        with self._lock:
            return key in self._values

    def get(self, key: bytes) -> bytes | None:
        """Return the value, which is now the most recently used one."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: bytes, value: bytes) -> bool:
        """Keep the value as the most recently used one, and drop what no longer fits beside it.

        Returns:
            False, and nothing has changed, where the value alone is over the limit.
        """
        if len(value) > self.limit_bytes:
            return False
        with self._lock:
            self._n_bytes += len(value) - len(self._values.pop(key, b""))
            self._values[key] = value
            self._drop_excess()
        return True

    def limit(self, limit_bytes: int) -> None:
        """Hold no more than this from now on."""
        with self._lock:
            self.limit_bytes = limit_bytes
            self._drop_excess()

    def _drop_excess(self) -> None:
        while self._n_bytes > self.limit_bytes:
            _, dropped = self._values.popitem(last=False)
            self._n_bytes -= len(dropped)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._values.clear()
            self._n_bytes = 0
