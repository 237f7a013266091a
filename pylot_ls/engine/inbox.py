"""The queue between those who ask and the one thread that serves."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.types import GenerateRequest


@dataclass(slots=True)
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
    """Hands jobs to one worker, in order, and knows which one it is working on.

    Args:
        interrupt: called with True when the running job is to stop at once and with False when a new one begins,
            always under the inbox's lock, so an interruption meant for one job cannot hit the next.
    """

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        self._interrupt = interrupt
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
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
            self._waiting.append(Job(request))
            self._changed.notify_all()
            return True

    def take(self) -> Job | None:
        """Wait for the next job; None once the inbox is closed and empty.

        A cancelled job is handed out too: its end must be told.
        """
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            job = self._running = self._waiting.popleft()
            self._interrupt(job.cancelled)
            return job

    def cancel(self, request_id: str) -> None:
        """Mark a job as cancelled, and interrupt it when it is the running one."""
        with self._changed:
            for job in self._waiting:
                if job.request.request_id == request_id:
                    job.cancelled = True
            running = self._running
            if running is not None and running.request.request_id == request_id:
                running.cancelled = True
                self._interrupt(True)
            self._changed.notify_all()

    def close(self) -> None:
        """Cancel everything; ``take`` then hands out what is left and returns None."""
        with self._changed:
            self._closed = True
            for job in (*self._waiting, *([self._running] if self._running else [])):
                job.cancelled = True
            self._interrupt(True)
            self._changed.notify_all()
