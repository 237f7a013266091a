"""The one interface behind which a model runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pylot_ls.engine.types import Event, GenerateRequest, KnownText, RequestEvent

EventSink = Callable[[Event], None]
RequestSink = Callable[[RequestEvent], None]


class Backend(Protocol):
    """A model that serves requests on a thread (or in a process) of its own.

    Every method returns at once and may be called from any thread. What happens comes back through the sink, on the
    backend's own thread: first ``Loading`` events, then ``Ready`` or ``LoadFailed``; for each submitted request any
    number of ``Token`` events, then exactly one ``Finished``, ``Embedded``, ``Rendered`` or ``Failed``.
    """

    def start(self, sink: EventSink) -> None:
        """Begin to load the model. Called once."""

    def submit(self, request: GenerateRequest) -> None:
        """Queue a request. It may be submitted before the model is ready."""

    def cancel(self, request_id: str) -> None:
        """End a request within one decode step, also in the middle of its prefill. Unknown ids are ignored."""

    def learn(self, text: KnownText) -> None:
        """Take note of a text, or forget it; see ``GenerateRequest.hole``. Some time later, or never: it is a hint."""

    def close(self) -> None:
        """End all requests as cancelled, free the model and end the thread; returns when that is done."""
