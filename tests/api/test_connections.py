"""Clients that go, stop reading, or are too many: nothing else is disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pylot_ls.api.keys import KeyBook
from pylot_ls.api.options import ApiOptions, Limits
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool


@pytest.fixture
def backend_of(watched_backend):
    class Backend(watched_backend):
        """Tells when it is to cancel something."""

        def __init__(self, *args) -> None:
            super().__init__(*args)
            self.was_cancelled = asyncio.Event()

        def cancel(self, request_id: str) -> None:
            super().cancel(request_id)
            self.was_cancelled.set()

    return Backend


def pool_of(backend):
    return ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})


async def post(server, body, path="/v1/completions"):
    """A request on a connection of its own, of which nothing has been read yet."""
    raw = json.dumps(body).encode()
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(raw)}\r\n\r\n"
    writer.write(head.encode() + raw)
    await writer.drain()
    return reader, writer


async def is_well(server):
    answer = await server.openai().completions.create(model="complete", prompt="x", max_tokens=1)
    return answer.choices[0].text


@pytest.mark.asyncio
@pytest.mark.parametrize("streams", [True, False])
async def test_a_client_that_goes_away_ends_its_request_in_the_engine(live, backend_of, streams):
    backend = backend_of("one two three")
    server = await live(pool_of(backend))
    await is_well(server)
    await backend.asked.get()
    backend.pause()
    _, writer = await post(server, {"prompt": "x", "max_tokens": 9, "stream": streams})
    await backend.asked.get()
    writer.close()
    await backend.was_cancelled.wait()
    backend.resume()
    assert await is_well(server)
    assert server.api.admission.places == {}


@pytest.mark.asyncio
async def test_a_client_that_stops_reading_is_let_go(live, backend_of):
    backend = backend_of("many words " * 100_000)
    server = await live(pool_of(backend), ApiOptions(limits=Limits(send_seconds=0.05)))
    _, writer = await post(server, {"prompt": "x", "max_tokens": 4000, "stream": True, "n_probs": 100})
    await backend.was_cancelled.wait()
    assert await is_well(server)
    writer.transport.abort()


@pytest.mark.asyncio
async def test_more_connections_than_there_may_be_are_told_to_come_again(live, backend_of):
    server = await live(pool_of(backend_of("x")), ApiOptions(limits=Limits(most_connections=50)))
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(60):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(writer.close)
        reader, writer = await post(server, {"prompt": "x"})
        stack.callback(writer.close)
        assert b" 503 " in await reader.readline()
    while True:
        # The server learns of each end when its loop comes to it.
        reader, writer = await post(server, {"prompt": "x", "max_tokens": 1})
        line = await reader.readline()
        writer.close()
        if b" 200 " in line:
            break


@pytest.mark.asyncio
async def test_more_websockets_than_there_may_be_are_refused(live, backend_of):
    server = await live(pool_of(backend_of("x")), ApiOptions(limits=Limits(most_connections=3)))
    url = f"ws://127.0.0.1:{server.port}/v1/stream"
    async with connect(url), connect(url), connect(url):
        with pytest.raises(InvalidStatus, match="503"):
            await connect(url)


@pytest.mark.asyncio
async def test_many_requests_share_one_websocket_and_each_is_cancelled_by_its_id(live, backend_of):
    backend = backend_of("one two three")
    server = await live(pool_of(backend))
    await is_well(server)
    await backend.asked.get()
    backend.pause()
    async with connect(f"ws://127.0.0.1:{server.port}/v1/stream") as socket_:
        for number in "ab":
            body = {"prompt": number, "max_tokens": 9}
            await socket_.send(json.dumps({"id": number, "path": "/v1/completions", "body": body}))
            await backend.asked.get()
        await socket_.send(json.dumps({"cancel": "a"}))
        assert json.loads(await socket_.recv()) == {"id": "a", "event": "end", "reason": "cancelled"}
        backend.resume()
        text = ""
        while (message := json.loads(await socket_.recv()))["event"] == "chunk":
            text += message["data"]["choices"][0]["text"]
        assert text == "one two three"
        assert message == {"id": "b", "event": "end", "reason": "done"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("{", "no JSON"),
        ('{"path": "/v1/completions"}', "needs an id"),
        ('{"id": "a", "path": "/etc/passwd", "body": {}}', "there is nothing at"),
        ('{"id": "a", "path": "/v1/completions", "body": {"prompt": 1}}', "prompt"),
        ('{"id": "a", "path": "/v1/completions", "body": 7}', "JSON object"),
    ],
)
async def test_a_bad_message_is_told_so_and_the_connection_stays(live, backend_of, message, says):
    server = await live(pool_of(backend_of("one")))
    async with connect(f"ws://127.0.0.1:{server.port}/v1/stream") as socket_:
        await socket_.send(message)
        answer = json.loads(await socket_.recv())
        assert answer["event"] == "error"
        assert says in answer["error"]["message"]
        good = {"id": "z", "path": "/completion", "body": {"prompt": "x", "n_predict": 1, "stream": False}}
        await socket_.send(json.dumps(good))
        assert json.loads(await socket_.recv())["data"]["content"] == "one"


@pytest.mark.asyncio
async def test_a_websocket_that_goes_ends_its_requests(live, backend_of):
    backend = backend_of("one two three")
    server = await live(pool_of(backend))
    await is_well(server)
    await backend.asked.get()
    backend.pause()
    async with connect(f"ws://127.0.0.1:{server.port}/v1/stream") as socket_:
        await socket_.send(json.dumps({"id": "a", "path": "/completion", "body": {"prompt": "x", "n_predict": 9}}))
        await backend.asked.get()
    await backend.was_cancelled.wait()
    backend.resume()


@pytest.mark.asyncio
async def test_a_message_over_the_limit_ends_the_connection(live, backend_of):
    server = await live(pool_of(backend_of("x")), ApiOptions(limits=Limits(most_frame_bytes=1000)))
    async with connect(f"ws://127.0.0.1:{server.port}/v1/stream") as socket_:
        await socket_.send("x" * 2000)
        with pytest.raises(ConnectionClosed):
            await socket_.recv()


@pytest.mark.asyncio
async def test_a_websocket_without_a_key_is_refused(live, backend_of, tmp_path):
    book = KeyBook(tmp_path / "keys.json")
    key = book.create("ann")
    server = await live(pool_of(backend_of("x")), ApiOptions(keys=book))
    url = f"ws://127.0.0.1:{server.port}/v1/stream"
    with pytest.raises(InvalidStatus, match="401"):
        await connect(url)
    async with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as socket_:
        await socket_.send('{"cancel": "nothing"}')
