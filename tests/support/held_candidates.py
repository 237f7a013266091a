"""A backend that holds still once all candidates for a place are asked for."""

from __future__ import annotations

import asyncio

from pylot_ls.engine.scripted_backend import ScriptedBackend


class HeldCandidates(ScriptedBackend):
    """Keeps the ranks that it was asked for, and what was cancelled."""

    def __init__(self):
        super().__init__("first(1)" * 9, others=["second(2)" * 9, "third(3)" * 9])
        self.ranks = []
        self.cancelled = []
        self.has_all = asyncio.Event()
        self.others_are_cancelled = asyncio.Event()

    def submit(self, request):
        self.ranks.append(request.rank)
        if request.rank == 2:
            self.pause()
            self.has_all.set()
        super().submit(request)

    def cancel(self, request_id):
        self.cancelled.append(request_id)
        if {"2", "3"} <= set(self.cancelled):
            self.others_are_cancelled.set()
        super().cancel(request_id)
