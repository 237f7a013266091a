"""A backend that holds still once all candidates for a place are asked for."""

from __future__ import annotations

from pylot_ls.engine.scripted_backend import ScriptedBackend


class HeldCandidates(ScriptedBackend):
    """Keeps the ranks that it was asked for, and what was cancelled."""

    def __init__(self):
        super().__init__("first(1)" * 9, others=["second(2)" * 9, "third(3)" * 9])
        self.ranks = []
        self.cancelled = []

    def submit(self, request):
        self.ranks.append(request.rank)
        if request.rank == 2:
            self.pause()
        super().submit(request)

    def cancel(self, request_id):
        self.cancelled.append(request_id)
        super().cancel(request_id)
