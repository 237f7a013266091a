"""A backend that is there only while it is used: its model is loaded at its first request and makes way for others."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pylot_ls.engine.precedence import Precedence
from pylot_ls.engine.types import Failed, Finished, FinishReason, LastEvent, LoadFailed, Priority, Ready, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pylot_ls.engine.backend import Backend, EventSink
    from pylot_ls.engine.memory import Memory
    from pylot_ls.engine.shared_memory import SharedMemory
    from pylot_ls.engine.types import Event, GenerateRequest, KnownText


@runtime_checkable
class HasFiles(Protocol):
    """A backend that has read files.

    Attributes:
        stamps: see ``LlamaBackend``.
    """

    stamps: Mapping[Path, str | None]


class PooledBackend:
    """See ``Backend``. Requests that come while the model is unloaded wait until it is loaded again.

    Args:
        make: makes the backend that does the work, given its share of the memory and what it calls before it computes
            anything less urgent than a keystroke.
        memory: of all models.
        precedence: between them.

    Attributes:
        used_at: ``time.monotonic`` seconds of its last request.
    """

    def __init__(
        self,
        make: Callable[[Memory, Callable[[], None]], Backend],
        memory: SharedMemory,
        precedence: Precedence | None = None,
    ) -> None:
        self._make = make
        self._memory = memory
        self._precedence = precedence or Precedence()
        self._sink: EventSink = _nobody
        self._changed = threading.Condition()
        self._inner: Backend | None = None
        self._is_loaded = False
        self._has_failed = False
        self._makes_way = False
        self._closed = False
        self._in_flight: set[str] = set()
        self._held: list[GenerateRequest] = []
        self._texts: dict[tuple[str, str], KnownText] = {}
        self.used_at = 0.0

    @property
    def is_loaded(self) -> bool:
        """Whether its model is loaded and is to stay."""
        return self._is_loaded and not self._makes_way

    @property
    def stamps(self) -> Mapping[Path, str | None]:
        """Of the files of the model that is loaded, or could not be; see ``file_stamp``. Empty where there is none."""
        inner, is_settled = self._inner, self.is_loaded or self._has_failed
        return inner.stamps if is_settled and isinstance(inner, HasFiles) else {}

    @property
    def is_busy(self) -> bool:
        """Whether requests are in flight."""
        return bool(self._in_flight)

    def start(self, sink: EventSink) -> None:
        """Begin to load the model."""
        self._sink = sink
        with self._changed:
            self._begin()

    def submit(self, request: GenerateRequest) -> None:
        """Queue a request; loads the model if need be."""
        inner = None
        with self._changed:
            self.used_at = time.monotonic()
            if not self._closed:
                if self._makes_way:
                    self._held.append(request)
                    return
                if self._inner is None:
                    self._begin()
                self._in_flight.add(request.request_id)
                if request.priority is Priority.KEYSTROKE:
                    self._precedence.begin(self, request.request_id)
                inner = self._inner
        if inner is None:
            self._sink(Failed(request.request_id, "the engine was closed", "EngineClosedError"))
        else:
            inner.submit(request)

    def cancel(self, request_id: str) -> None:
        """End a request, also one that waits for the model."""
        with self._changed:
            held = [request for request in self._held if request.request_id == request_id]
            self._held = [request for request in self._held if request.request_id != request_id]
            inner = self._inner
        if held:
            self._sink(Finished(request_id, FinishReason.CANCELLED, "", Usage()))
        elif inner is not None:
            inner.cancel(request_id)

    def learn(self, text: KnownText) -> None:
        """Take note of a text, or forget it; a model that is loaded again learns what is known then."""
        with self._changed:
            key = text.session, text.text_id
            if text.text is None:
                self._texts.pop(key, None)
            else:
                self._texts[key] = text
            inner = self._inner
        if inner is not None:
            inner.learn(text)

    def close(self) -> None:
        """End all requests and free the model."""
        with self._changed:
            self._closed = True
            held, self._held = self._held, []
            inner = self._inner
            self._changed.notify_all()
        for request in held:
            self._sink(Finished(request.request_id, FinishReason.CANCELLED, "", Usage()))
        if inner is not None:
            inner.close()
        self._memory.release(self)
        self._precedence.forget(self)

    def unload(self) -> None:
        """Free the model once the requests in flight have finished; those that come meanwhile load it again."""
        self._make_way(begins_again=False)

    def reload(self) -> None:
        """Load the model anew, from its file as it is now, or once more where that failed."""
        self._make_way(begins_again=True)

    def _make_way(self, *, begins_again: bool) -> None:
        with self._changed:
            if self._inner is None or self._makes_way or self._closed:
                return
            self._makes_way = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._in_flight or self._closed)
            inner = self._inner
        inner.close()
        self._memory.release(self)
        with self._changed:
            self._inner, self._is_loaded, self._makes_way = None, False, False
            held, self._held = self._held, []
            if (held or begins_again) and not self._closed:
                self._begin()
        for request in held:
            self.submit(request)

    def _begin(self) -> None:
        self._has_failed = False
        self._inner = self._make(self._memory.of(self), partial(self._precedence.give_way, self))
        self._inner.start(self._receive)
        for text in self._texts.values():
            self._inner.learn(text)

    def _receive(self, event: Event) -> None:
        with self._changed:
            if isinstance(event, LastEvent):
                self._in_flight.discard(event.request_id)
                self._precedence.end(self, event.request_id)
                self.used_at = time.monotonic()
                self._changed.notify_all()
            elif isinstance(event, Ready | LoadFailed):
                self._is_loaded = isinstance(event, Ready)
                self._has_failed = not self._is_loaded
        # Whoever gives the memory back must not hold the lock: who takes it asks whether we are loaded.
        if isinstance(event, Ready):
            self._memory.settled()
        elif isinstance(event, LoadFailed):
            self._memory.release(self)
        self._sink(event)


def _nobody(_event: object) -> None:
    """The sink before ``start``."""
