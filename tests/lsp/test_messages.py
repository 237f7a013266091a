"""A client of whole messages, as over a WebSocket: what it sends is served, and every way it can go ends it alone."""

from __future__ import annotations

import asyncio
import json

import pytest
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from pylot_ls.lsp.connection import ConnectionLimits
from pylot_ls.lsp.messages import serve_messages
from pylot_ls.lsp.protocol import PylotProtocol

pytestmark = pytest.mark.asyncio

LIMITS = ConnectionLimits(max_unsent_bytes=4096, stop_s=0.2, drain_s=0.05)


class Socket:
    """Carries messages to a test; ``takes`` is cleared by who reads no more."""

    def __init__(self):
        self.incoming = asyncio.Queue()
        self.sent = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()

    async def receive(self):
        text = await self.incoming.get()
        if isinstance(text, Exception):
            raise text
        return text

    async def send(self, text):
        await self.takes.wait()
        self.sent.put_nowait(json.loads(text))

    def say(self, **fields):
        self.incoming.put_nowait(json.dumps({"jsonrpc": "2.0", **fields}))

    async def ask(self, **fields):
        self.say(**fields)
        while True:
            message = await self.sent.get()
            if message.get("id") == fields["id"]:
                return message


@pytest.fixture
def serving():
    """A socket, the task that serves it, and what ``on_stop`` noted."""
    server = LanguageServer("toy", "1", protocol_cls=PylotProtocol)
    stopped = []

    @server.feature("toy/echo")
    def echo(params):
        return params

    @server.feature("toy/flood")
    def flood(params):
        for _ in range(64):
            server.protocol.notify("toy/water", {"text": "x" * 1024})

    async def on_stop():
        stopped.append(server)

    async def begin():
        socket = Socket()
        task = asyncio.ensure_future(
            serve_messages(server, socket, on_stop=on_stop, is_alive=lambda _pid: True, limits=LIMITS)
        )
        assert "result" in await socket.ask(id="init", method="initialize", params={"capabilities": {}})
        return socket, task, stopped

    return begin


async def test_messages_are_answered_and_a_clean_exit_is_code_0(serving):
    socket, task, stopped = await serving()
    assert (await socket.ask(id=1, method="toy/echo", params=["ж"]))["result"] == ["ж"]
    socket.incoming.put_nowait("no json")
    socket.say(id=2, method="shutdown")
    socket.say(method=types.EXIT)
    assert await task == 0
    assert len(stopped) == 1
    fault, last = socket.sent.get_nowait(), socket.sent.get_nowait()
    assert (fault["error"]["code"], last["id"]) == (-32700, 2), "what was to be said is said before the end"


@pytest.mark.parametrize("end", [None, RuntimeError("the transport failed")])
async def test_a_client_that_goes_or_whose_transport_fails_ends_its_connection(serving, end):
    socket, task, stopped = await serving()
    socket.incoming.put_nowait(end)
    assert await task == 1
    assert stopped


async def test_a_client_that_takes_nothing_ends_its_connection_and_holds_up_nobody(serving):
    socket, task, stopped = await serving()
    socket.takes.clear()
    socket.say(id=1, method="toy/flood")
    assert await task == 1
    assert stopped


async def test_a_connection_that_is_cancelled_cleans_up(serving):
    _, task, stopped = await serving()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped
