"""Events on their way out of the worker: told while llama.cpp computes, when the interpreter's lock is free."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.engine.backend import RequestSink
    from pylot_ls.engine.types import RequestEvent


class Outbox:
    """Holds events until it is flushed.

    To tell an event wakes the event loop's thread, which then holds the interpreter's lock. Told right after a token is
    chosen, the worker would wait for that lock before it could begin the next evaluation; told right before llama.cpp
    is entered, both go on at once. At a tiny model's pace that is a third of the time.

    Args:
        sink: where they go.
        unheard: the id of a request of which nobody is told.
    """

    def __init__(self, sink: RequestSink, unheard: str) -> None:
        self._sink = sink
        self._unheard = unheard
        self._events: deque[RequestEvent] = deque()

    def put(self, event: RequestEvent) -> None:
        """Hold an event back."""
        if event.request_id != self._unheard:
            self._events.append(event)

    def flush(self) -> None:
        """Tell all of them, in order."""
        while self._events:
            self._sink(self._events.popleft())
