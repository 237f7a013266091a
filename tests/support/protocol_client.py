"""A client of a protocol in this process, over a transport that only records."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

HOVER = {"textDocument": {"uri": "file:///a"}, "position": {"line": 3, "character": 0}}


class Recorder:
    """A connection that keeps what the protocol asks of it."""

    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.stops: list[int] = []
        self.parents: list[int] = []

    def send(self, body: bytes) -> None:
        self.sent.append(json.loads(body))

    def stop(self, exit_code: int, reason: str) -> None:
        assert reason
        self.stops.append(exit_code)

    def watch_parent(self, pid: int) -> None:
        self.parents.append(pid)


class Client:
    """Talks to a protocol in this process."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self.protocol = server.protocol
        self.connection = Recorder()
        self.protocol.connect(self.connection)

    def send(self, **message) -> list[dict]:
        """Send a message; return what came back at once."""
        self.protocol.handle_message({"jsonrpc": "2.0", **message})
        return self.received()

    def received(self) -> list[dict]:
        taken, self.connection.sent[:] = list(self.connection.sent), []
        return taken

    def initialize(self, **params) -> dict:
        (answer,) = self.send(id="init", method="initialize", params={"capabilities": {}, **params})
        return answer


def error_of(answers) -> tuple:
    (answer,) = answers
    assert "result" not in answer
    assert set(answer["error"]) == {"code", "message"}
    return answer["id"], answer["error"]["code"]


def answer_none(params):
    return None


def hang(server, method="toy/wait"):
    """Register a handler that waits for ever, and notes how it ended."""
    ended = []

    @server.feature(method)
    async def wait(params):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    return ended
