"""A client on a socket is served as one on stdio is: the same messages, the same ends."""

from __future__ import annotations

import asyncio
import json
import socket

import psutil
import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from pylot_ls.lsp.connection import ConnectionLimits
from pylot_ls.lsp.framing import Frame, FrameDecoder, encode_frame
from pylot_ls.lsp.protocol import PylotProtocol
from pylot_ls.lsp.streams import serve_streams

pytestmark = pytest.mark.asyncio

LIMITS = ConnectionLimits(max_unsent_bytes=64 * 1024, stall_s=0.05, parent_interval_s=0.02, stop_s=0.2)


def message(**fields):
    return encode_frame(json.dumps({"jsonrpc": "2.0", **fields}).encode())


INITIALIZE = message(id="init", method="initialize", params={"capabilities": {}})


class Peer:
    """A client of a server in this process, over a real socket."""

    def __init__(self, reader, writer, serving, stopped):
        self.reader, self.writer, self.serving, self.stopped = reader, writer, serving, stopped
        self._decoder, self._messages = FrameDecoder(), []

    async def ask(self, data, msg_id):
        self.writer.write(data)
        while True:
            for each in self._messages:
                if each.get("id") == msg_id:
                    self._messages.remove(each)
                    return each
            got = await self.reader.read(65536)
            assert got, "the server closed the connection"
            self._messages += [event.value for event in self._decoder.feed(got) if isinstance(event, Frame)]


@pytest_asyncio.fixture
async def connect():
    peers = []

    async def make():
        ours, theirs = socket.socketpair()
        server = LanguageServer("toy", "1", protocol_cls=PylotProtocol)

        @server.feature("toy/echo")
        def echo(params):
            return params

        @server.feature("toy/wait")
        async def wait(params):
            await asyncio.Event().wait()

        @server.feature("toy/flood")
        async def flood(params):
            for _ in range(4096):
                server.protocol.notify("toy/water", {"text": "x" * 4096})
            await asyncio.Event().wait()

        stopped = []

        async def on_stop():
            stopped.append(server)

        streams = await asyncio.open_connection(sock=theirs)
        serving = asyncio.ensure_future(
            serve_streams(server, *streams, on_stop=on_stop, is_alive=psutil.pid_exists, limits=LIMITS)
        )
        peers.append(Peer(*await asyncio.open_connection(sock=ours), serving, stopped))
        return peers[-1]

    yield make
    for peer in peers:
        peer.writer.close()
        peer.serving.cancel()
        await asyncio.gather(peer.serving, return_exceptions=True)


async def test_messages_are_answered_and_a_clean_exit_is_code_0(connect):
    peer = await connect()
    assert "result" in await peer.ask(INITIALIZE, "init")
    assert (await peer.ask(message(id=1, method="toy/echo", params={"a": "ж"}), 1))["result"] == {"a": "ж"}
    await peer.ask(message(id=2, method="shutdown"), 2)
    peer.writer.write(message(method=types.EXIT))
    assert await peer.serving == 0
    assert await peer.reader.read() == b""
    assert len(peer.stopped) == 1


async def test_a_client_that_goes_away_ends_its_own_connection(connect):
    one, two = await connect(), await connect()
    for peer in (one, two):
        await peer.ask(INITIALIZE, "init")
    one.writer.write(message(id=1, method="toy/wait"))
    one.writer.close()
    assert await one.serving == 1
    assert one.stopped
    assert (await two.ask(message(id=1, method="toy/echo", params=[1]), 1))["result"] == [1]
    assert not two.stopped


async def test_a_client_that_reads_nothing_ends_its_own_connection(connect):
    deaf, other = await connect(), await connect()
    for peer in (deaf, other):
        await peer.ask(INITIALIZE, "init")
    deaf.writer.write(message(id=1, method="toy/flood"))
    assert await deaf.serving == 1
    assert (await other.ask(message(id=1, method="toy/echo", params=[1]), 1))["result"] == [1]


async def test_a_cancelled_connection_answers_what_is_in_flight_and_closes(connect):
    peer = await connect()
    await peer.ask(INITIALIZE, "init")
    peer.writer.write(message(id="waits", method="toy/wait"))
    await peer.ask(message(id=1, method="toy/echo", params=[1]), 1)
    peer.serving.cancel()
    answer = await peer.ask(b"", "waits")
    assert answer["error"]["code"] == types.LSPErrorCodes.RequestCancelled.value
    assert await peer.reader.read() == b""
    assert peer.stopped


async def test_a_parent_that_dies_ends_the_connection(connect):
    peer = await connect()
    child = await asyncio.create_subprocess_exec("sleep", "600")
    initialize = message(id="init", method="initialize", params={"capabilities": {}, "processId": child.pid})
    await peer.ask(initialize, "init")
    child.kill()
    await child.wait()
    assert await peer.serving == 1


async def test_what_is_no_message_is_refused_and_the_next_one_served(connect):
    peer = await connect()
    await peer.ask(INITIALIZE, "init")
    peer.writer.write(b"Content-Length: 5\r\n\r\n{nope")
    assert (await peer.ask(message(id=1, method="toy/echo", params=[1]), 1))["result"] == [1]
