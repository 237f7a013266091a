"""A scripted backend that can be watched, and that holds still in the middle of an answer."""

from __future__ import annotations

import asyncio
import threading

from pylot_ls.engine.scripted_backend import ScriptedBackend

SAID = "total(a, [b]) + 1"


class Asked(ScriptedBackend):
    """Keeps what it was asked to serve and to cancel; holds still when it has decoded so many tokens."""

    def __init__(self, script=SAID, *, n_tokens=None):
        super().__init__(script)
        self.requests = []
        self.cancelled = []
        self.has_asked = asyncio.Event()
        self.has_cancelled = asyncio.Event()
        self._holds = threading.Event()
        self._n_left = n_tokens

    def submit(self, request):
        self.requests.append(request)
        self.has_asked.set()
        super().submit(request)

    def cancel(self, request_id):
        self.cancelled.append(request_id)
        self.has_cancelled.set()
        super().cancel(request_id)

    def _step(self, stopped):
        if self.requests and self._n_left is not None:
            self._n_left -= 1
            if self._n_left < 0:
                self._n_left = None
                self.pause()
                self._holds.set()
        super()._step(stopped)

    @property
    def priorities(self):
        return [request.priority for request in self.requests]

    async def holding(self):
        """Wait until it holds still."""
        await asyncio.to_thread(self._holds.wait)
