"""A store whose memory is filled from a disk when the test says so."""

from __future__ import annotations

import threading


class Shelf:
    """What is in ``values`` is in memory; ``disk`` outlives the backends of a test and is read by ``prefetch``.

    Attributes:
        held: whether prefetches wait until ``release``.
        asked: is set at the first one.
    """

    def __init__(self, disk=None):
        self.values = {}
        self.disk = {} if disk is None else disk
        self.held = False
        self.asked = threading.Event()
        self._waiting = []

    def restarted(self):
        """The same disk with an empty memory."""
        return Shelf(self.disk)

    def get(self, key):
        return self.values.get(key)

    def put(self, key, value):
        self.values[key] = value
        self.disk.setdefault(key, value)

    def replace(self, key, value):
        self.values[key] = self.disk[key] = value

    def prefetch(self, keys, done):
        self.asked.set()
        if self.held:
            self._waiting.append((keys, done))
        else:
            self._prefetch(keys, done)

    def release(self):
        self.held = False
        while self._waiting:
            self._prefetch(*self._waiting.pop(0))

    def limit_memory(self, n_bytes):
        """It has no limit."""

    def flush(self, timeout_s):
        return timeout_s > 0

    def close(self):
        """Nothing is left to write."""

    def _prefetch(self, keys, done):
        for n_found, key in enumerate(keys):
            if key not in self.disk:
                done(n_found)
                return
            self.values[key] = self.disk[key]
        done(len(keys))
