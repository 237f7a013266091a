"""Requests to a server that speaks HTTP, ours or a peer's, and how long it takes to say something."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any

from pylot_ls.errors import ClientError

HOST = "127.0.0.1"
_ANSWER_TIMEOUT_S = 900.0
_EVENT = b"data:"
_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Streamed:
    """A streamed answer.

    Attributes:
        first_ms: from sending the request to its first event.
        last: the last event that is an object.
    """

    first_ms: float
    last: dict[str, Any]


def ask(port: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request.

    Raises:
        ClientError: the server does not answer, or refuses.
    """
    with _Asked(port, path, body) as response:
        answer = json.loads(response.read() or b"null")
        if not isinstance(answer, dict):
            raise ClientError(f"an answer of {path} is no object")
        return answer


def ask_streamed(port: int, path: str, body: dict[str, Any]) -> Streamed:
    """A request whose answer is told in events.

    Raises:
        ClientError: the server does not answer, refuses, or tells nothing.
    """
    began, first_ms, last = time.perf_counter(), 0.0, {}
    with _Asked(port, path, {**body, "stream": True}) as response:
        for line in iter(response.readline, b""):
            if not line.startswith(_EVENT):
                continue
            first_ms = first_ms or (time.perf_counter() - began) * 1000
            said = line.removeprefix(_EVENT).strip()
            if said != _DONE:
                last = json.loads(said)
    if not first_ms:
        raise ClientError(f"{path} told nothing")
    return Streamed(first_ms, last)


class _Asked:
    """A request on a connection of its own; errors are ours."""

    def __init__(self, port: int, path: str, body: dict[str, Any]) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_TIMEOUT_S)
        self._path, self._body = path, body

    def __enter__(self) -> http.client.HTTPResponse:
        try:
            self._connection.request("POST", self._path, json.dumps(self._body), {"Content-Type": "application/json"})
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ClientError(f"the server does not answer: {error}") from error
        if response.status != http.HTTPStatus.OK:
            said = response.read().decode("utf-8", errors="replace")
            self._connection.close()
            raise ClientError(f"the server refused a request ({response.status}): {said}")
        return response

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        self._connection.close()
        if isinstance(error, OSError | http.client.HTTPException | ValueError):
            raise ClientError(f"the server's answer broke off: {error}") from error
