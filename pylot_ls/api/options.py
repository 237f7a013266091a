"""How an API is run: plain values, given once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.engine.types import Sampling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylot_ls.api.keys import KeyBook

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
ANY = "*"
LOCAL_PAGES = "localhost"

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may ask for at most. Memory is bounded by them, whatever clients do.

    Attributes:
        most_running, most_waiting: requests of all users that the engine works on, and that wait for that.
        most_running_of_user, most_waiting_of_user: the same of one user; his key may say otherwise.
        tokens_per_minute: evaluated and decoded, of one user; None for any. His key may say otherwise.
        most_choices: texts generated for one request: its prompts times its ``n``.
        most_body_bytes, most_frame_bytes: of a request, and of a message on a WebSocket.
        most_connections: open at once; further ones are told to come again.
        body_seconds: for a request's body to arrive.
        send_seconds: for a client to take what is sent to it.
        request_seconds: for a request to be served, the wait for its turn included.
    """

    most_running: int = 8
    most_waiting: int = 64
    most_running_of_user: int = 4
    most_waiting_of_user: int = 16
    tokens_per_minute: int | None = None
    most_choices: int = 8
    most_body_bytes: int = 8 * _MIB
    most_frame_bytes: int = _MIB
    most_connections: int = 512
    body_seconds: float = 30.0
    send_seconds: float = 60.0
    request_seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What an API allows, and what it does where a request says nothing.

    Attributes:
        keys: who may ask; None where everybody who reaches it may, as one user.
        hosts: names that the Host header may have, without port, ``*`` for any. A page that has its own name resolve
            to this machine is refused by that.
        origins: of web pages that may ask, as ``https://example.org``, ``localhost`` for those of this machine at any
            port, ``*`` for any. A page of the API itself may.
        limits: see there.
        sampling: how tokens are drawn where the request does not say.
        max_tokens: the most that are generated where the request does not say; None for as many as there is room for.
        names: by role, what the models are called that are not loaded yet.
        takes_any_model: a name of no model means the one of the endpoint's role, as llama-server has it.
        shifts_context: who runs out of context goes on without its oldest half.
        has_page: whether who opens the address in a browser sees what it is.
        has_slots, has_metrics: whether ``/slots`` and ``/metrics`` are there.
        tells_prompts: answers show the prompt as it was evaluated, for who looks for a fault.
    """

    keys: KeyBook | None = None
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    origins: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    takes_any_model: bool = False
    shifts_context: bool = False
    has_page: bool = True
    has_slots: bool = True
    has_metrics: bool = True
    tells_prompts: bool = False
