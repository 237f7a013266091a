"""The queue between those who ask and the one thread that serves."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.types import GenerateRequest


@dataclass(slots=True, eq=False)
class Job:
    """A request on its way; ``cancelled`` only ever turns from False to True.

    Attributes:
        submitted_at: ``time.perf_counter`` seconds.
    """

    request: GenerateRequest
    submitted_at: float = field(default_factory=time.perf_counter)
    cancelled: bool = False

    def elapsed_ms(self) -> float:
        """Milliseconds since the request was submitted."""
        return (time.perf_counter() - self.submitted_at) * 1000


class Inbox:
    """Hands jobs to one worker and interrupts what it evaluates when that is no longer the best use of it.

    That is so when all jobs of the batch are cancelled, or when a job of a higher priority waits.

    Args:
        interrupt: called with True when the running batch is to stop at once and with False when the next one
            begins, always under the inbox's lock, so an interruption meant for one batch cannot hit the next.
    """

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        self._interrupt = interrupt
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._live: dict[str, Job] = {}
        self._running: Sequence[Job] = ()
        self._woken = False
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def put(self, request: GenerateRequest) -> bool:
        """Queue a request; False when the inbox is closed."""
        with self._changed:
            if self._closed:
                return False
            job = self._live[request.request_id] = Job(request)
            self._waiting.append(job)
            self._interrupt_if_better()
            self._changed.notify_all()
            return True

    def take(self, *, wait: bool, timeout_s: float | None = None, wakes: bool = False) -> list[Job]:
        """All jobs that came in since the last call, in order; cancelled ones too, since their end must be told.

        With ``wait`` it returns at least one, or none when the inbox is closed and empty, or after the timeout; with
        ``wakes`` also when ``wake`` was called or a job was cancelled.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._waiting or self._closed or (wakes and self._woken), timeout_s)
            self._woken = False
            taken, self._waiting = self._waiting, []
            return taken

    def wake(self) -> None:
        """Something else than a job has come: a ``take`` that wakes waits no longer."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def begin(self, jobs: Sequence[Job]) -> None:
        """The worker is about to evaluate a batch of these jobs."""
        with self._changed:
            self._running = jobs
            self._interrupt(False)
            self._interrupt_if_better()

    def end(self) -> None:
        """The batch was evaluated."""
        with self._changed:
            self._running = ()

    def forget(self, job: Job) -> None:
        """The job has had its last event."""
        with self._changed:
            self._live.pop(job.request.request_id, None)

    def is_live(self, request_id: str) -> bool:
        """Whether a request has still to have its last event."""
        with self._changed:
            return request_id in self._live

    def cancel(self, request_id: str) -> None:
        """Mark a job as cancelled; unknown ids are ignored."""
        with self._changed:
            job = self._live.get(request_id)
            if job is not None:
                job.cancelled = True
                self._woken = True
                self._interrupt_if_better()
                self._changed.notify_all()

    def close(self) -> None:
        """Cancel everything; ``take`` then returns what is left."""
        with self._changed:
            self._closed = True
            for job in self._live.values():
                job.cancelled = True
            self._interrupt_if_better()
            self._changed.notify_all()

    def _interrupt_if_better(self) -> None:
        if not self._running:
            return
        priority = max(job.request.priority for job in self._running)
        overtaken = any(job.request.priority > priority and not job.cancelled for job in self._waiting)
        if overtaken or all(job.cancelled for job in self._running):
            self._interrupt(True)
