"""One backend for many sessions: each has a backend of its own, and all of these are the same model.

What sessions could know each other by is told apart here, in one place: the ids of their requests, what they are called
where requests take turns, and the texts that were learnt. Only KV of equal tokens is shared, within the backend.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.engine.types import (
    Failed,
    Finished,
    FinishReason,
    KnownText,
    LoadFailed,
    Loading,
    Ready,
    StateEvent,
    Token,
    Usage,
)
from pylot_ls.engine.unloading import Unloadable

if TYPE_CHECKING:
    from pylot_ls.engine.backend import Backend, EventSink
    from pylot_ls.engine.types import Event, GenerateRequest

# Sessions' names have none.
_SEPARATOR = "/"


@dataclass(slots=True)
class Counts:
    """What a model has done for all its sessions since it was started.

    Attributes:
        n_requests: that were served to their end.
        prompt_tokens, tokens_reused, tokens_evaluated, tokens_decoded: sums of what ``Usage`` has.
        n_failed: requests that were not served.
    """

    n_requests: int = 0
    n_failed: int = 0
    prompt_tokens: int = 0
    tokens_reused: int = 0
    tokens_evaluated: int = 0
    tokens_decoded: int = 0

    def add(self, event: Event) -> None:
        """Count a request's last event."""
        if isinstance(event, Failed):
            self.n_failed += 1
        elif isinstance(event, Finished):
            self.n_requests += 1
            self.prompt_tokens += event.usage.prompt_tokens
            self.tokens_reused += event.usage.tokens_reused
            self.tokens_evaluated += event.usage.tokens_evaluated
            self.tokens_decoded += event.usage.tokens_decoded


class SharedBackend:
    """Starts a backend at its first use and tells each session of its own requests.

    Args:
        backend: not yet started; who made the shared one closes it by ``close``.

    Attributes:
        counts: of all sessions.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._is_started = False
        self._sessions: dict[str, SessionBackend] = {}
        self._state: StateEvent = Loading(0.0)
        self.counts = Counts()

    @property
    def n_in_flight(self) -> int:
        """How many requests wait or are served."""
        with self._lock:
            return sum(session.n_in_flight for session in self._sessions.values())

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory: it may make way for others."""
        if isinstance(self._backend, Unloadable):
            return self._backend.is_loaded
        return isinstance(self._state, Ready)

    @property
    def state(self) -> StateEvent | None:
        """Of the model; None as long as nobody has asked for it."""
        return self._state if self._is_started else None

    def of(self, session: str) -> SessionBackend:
        """The backend of a session, whose name no other has."""
        return SessionBackend(self, self._backend, session)

    def join(self, session: SessionBackend) -> None:
        """A session begins to listen; the first one has the model loaded."""
        with self._lock:
            self._sessions[session.name] = session
            begins, self._is_started = not self._is_started, True
            # Under the lock, so that no newer state overtakes it.
            session.receive(self._state)
        if begins:
            self._backend.start(self._receive)

    def leave(self, session: SessionBackend) -> None:
        """A session listens no longer."""
        with self._lock:
            self._sessions.pop(session.name, None)

    def reload(self) -> None:
        """Load the model anew, where the backend can; all sessions hear of it."""
        if isinstance(self._backend, Unloadable):
            self._receive(Loading(0.0))
            self._backend.reload()

    def close(self) -> None:
        """Free the model; the sessions' requests end."""
        with self._lock:
            was_started = self._is_started
        if was_started:
            self._backend.close()

    def _receive(self, event: Event) -> None:
        """Called on the backend's thread."""
        if isinstance(event, Loading | Ready | LoadFailed):
            with self._lock:
                self._state = event
                for session in self._sessions.values():
                    session.receive(event)
            return
        self.counts.add(event)
        name, _, request_id = event.request_id.partition(_SEPARATOR)
        session_of_it = self._sessions.get(name)
        if session_of_it is not None:  # what a session asked that is gone is for nobody
            session_of_it.receive(replace(event, request_id=request_id))


class SessionBackend:
    """See ``Backend``: a model as one of its sessions sees it. ``close`` ends its own requests and no others.

    Attributes:
        name: of the session.
    """

    def __init__(self, shared: SharedBackend, backend: Backend, name: str) -> None:
        self.name = name
        self._shared = shared
        self._backend = backend
        self._lock = threading.Lock()
        self._sink: EventSink = _nobody
        self._in_flight: set[str] = set()
        self._known: set[tuple[str, str]] = set()
        self._is_closed = False

    @property
    def n_in_flight(self) -> int:
        """How many of its requests wait or are served."""
        return len(self._in_flight)

    @property
    def is_loaded(self) -> bool:
        """See ``Unloadable``."""
        return self._shared.is_loaded

    def start(self, sink: EventSink) -> None:
        """Listen; the model is loaded if it is not."""
        self._sink = sink
        self._shared.join(self)

    def submit(self, request: GenerateRequest) -> None:
        """Queue a request."""
        with self._lock:
            is_closed = self._is_closed
            if not is_closed:
                self._in_flight.add(request.request_id)
        if is_closed:
            self._sink(Failed(request.request_id, "the engine was closed", "EngineClosedError"))
        else:
            own = replace(request, request_id=self._id(request.request_id), session=self._session(request.session))
            self._backend.submit(own)

    def cancel(self, request_id: str) -> None:
        """End a request."""
        self._backend.cancel(self._id(request_id))

    def learn(self, text: KnownText) -> None:
        """Take note of a text for the requests of this session, or forget it."""
        key = text.session, text.text_id
        with self._lock:
            if self._is_closed:
                return
            (self._known.discard if text.text is None else self._known.add)(key)
        self._backend.learn(replace(text, session=self._session(text.session)))

    def reload(self) -> None:
        """See ``Unloadable``."""
        self._shared.reload()

    def close(self) -> None:
        """End this session's requests and have its texts forgotten; the model stays."""
        with self._lock:
            self._is_closed = True
            in_flight, known = tuple(self._in_flight), tuple(self._known)
            self._in_flight.clear()
        self._shared.leave(self)
        for request_id in in_flight:
            self._sink(Finished(request_id, FinishReason.CANCELLED, "", Usage()))
            self._backend.cancel(self._id(request_id))
        for session, text_id in known:
            self._backend.learn(KnownText(self._session(session), text_id, None))

    def receive(self, event: Event) -> None:
        """Called on the backend's thread with what concerns this session."""
        # Under the lock: once ``close`` has returned, the sink is not called any more, and whoever it woke may be gone.
        with self._lock:
            if self._is_closed:
                return
            if not isinstance(event, Token | Loading | Ready | LoadFailed):
                self._in_flight.discard(event.request_id)
            self._sink(event)

    def _id(self, request_id: str) -> str:
        return f"{self.name}{_SEPARATOR}{request_id}"

    def _session(self, session: str) -> str:
        """A session of this session's own has a name of its own, too."""
        return f"{self.name}{_SEPARATOR}{session}" if session else self.name


def _nobody(_event: object) -> None:
    """The sink before ``start``."""
