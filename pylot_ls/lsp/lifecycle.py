"""When a message is served: the lifecycle of an LSP server as a table.

    created ──initialize──> initializing ──answered──> running ──shutdown──> shut down
       ^                        │
       └────────failed──────────┘                 exit, from any state ──> exited

The rules (LSP 3.18, "Lifecycle Messages"): before ``initialize`` is answered, requests get ServerNotInitialized and
notifications are dropped; ``initialize`` is served once; after ``shutdown``, requests get InvalidRequest; ``exit`` is
heard in every state, and the process's exit code is 0 only after ``shutdown``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

SERVER_NOT_INITIALIZED = -32002
INVALID_REQUEST = -32600


class State(enum.StrEnum):
    """Where in its life the server is."""

    CREATED = "created"
    INITIALIZING = "initializing"
    RUNNING = "running"
    SHUT_DOWN = "shut down"
    EXITED = "exited"


class Kind(enum.StrEnum):
    """What the client sent, as far as the lifecycle cares."""

    INITIALIZE = "initialize"
    SHUTDOWN = "shutdown"
    REQUEST = "another request"
    EXIT = "exit"
    NOTIFICATION = "another notification"


@dataclass(frozen=True, slots=True)
class Serve:
    """The message is to be handled."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The message is to be ignored."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request is to be answered with this error."""

    code: int
    message: str


Verdict = Serve | Drop | Refuse

_SERVE = Serve()
_DROP = Drop()
_TOO_EARLY = Refuse(SERVER_NOT_INITIALIZED, "the server is not initialized: send 'initialize' and await its answer")
_TWICE = Refuse(INVALID_REQUEST, "'initialize' was sent before; it may be sent once")
_TOO_LATE = Refuse(INVALID_REQUEST, "the server was shut down; only 'exit' may follow")

_CREATED, _INITIALIZING, _RUNNING, _SHUT_DOWN, _EXITED = State

_TABLE: dict[State, dict[Kind, tuple[Verdict, State]]] = {
    State.CREATED: {
        Kind.INITIALIZE: (_SERVE, _INITIALIZING),
        Kind.SHUTDOWN: (_TOO_EARLY, _CREATED),
        Kind.REQUEST: (_TOO_EARLY, _CREATED),
        Kind.EXIT: (_SERVE, _EXITED),
        Kind.NOTIFICATION: (_DROP, _CREATED),
    },
    State.INITIALIZING: {
        Kind.INITIALIZE: (_TWICE, _INITIALIZING),
        Kind.SHUTDOWN: (_TOO_EARLY, _INITIALIZING),
        Kind.REQUEST: (_TOO_EARLY, _INITIALIZING),
        Kind.EXIT: (_SERVE, _EXITED),
        Kind.NOTIFICATION: (_DROP, _INITIALIZING),
    },
    State.RUNNING: {
        Kind.INITIALIZE: (_TWICE, _RUNNING),
        Kind.SHUTDOWN: (_SERVE, _SHUT_DOWN),
        Kind.REQUEST: (_SERVE, _RUNNING),
        Kind.EXIT: (_SERVE, _EXITED),
        Kind.NOTIFICATION: (_SERVE, _RUNNING),
    },
    State.SHUT_DOWN: {
        Kind.INITIALIZE: (_TOO_LATE, _SHUT_DOWN),
        Kind.SHUTDOWN: (_TOO_LATE, _SHUT_DOWN),
        Kind.REQUEST: (_TOO_LATE, _SHUT_DOWN),
        Kind.EXIT: (_SERVE, _EXITED),
        Kind.NOTIFICATION: (_DROP, _SHUT_DOWN),
    },
    State.EXITED: dict.fromkeys(Kind, (_DROP, _EXITED)),
}


class Lifecycle:
    """The server's state; every message of the client is shown to it first."""

    def __init__(self) -> None:
        self._state = State.CREATED
        self._exit_code = 1

    @property
    def state(self) -> State:
        """The state now."""
        return self._state

    @property
    def exit_code(self) -> int:
        """What the process should exit with if it ends now: 0 after ``shutdown`` and ``exit``, else 1."""
        return self._exit_code

    def receive(self, kind: Kind) -> Verdict:
        """Say what is to be done with a message, and move to the state that follows it."""
        if kind is Kind.EXIT and self._state is State.SHUT_DOWN:
            self._exit_code = 0
        verdict, self._state = _TABLE[self._state][kind]
        return verdict

    def initialize_answered(self, *, succeeded: bool) -> None:
        """Note that ``initialize`` was answered; after an error the client may send it again."""
        if self._state is State.INITIALIZING:
            self._state = State.RUNNING if succeeded else State.CREATED
