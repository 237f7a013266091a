"""The application on sockets: unix ones, too; signals stay whose they were, and cancelling ends all."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import httpx2
import pytest

from pylot_ls.api.app import make_app
from pylot_ls.api.options import ApiOptions
from pylot_ls.api.server import serve_http
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend


@pytest.mark.asyncio
@pytest.mark.skipif(sys.platform == "win32", reason="there are no unix sockets")
async def test_it_serves_a_unix_socket_takes_no_signals_and_ends_when_cancelled(tmp_path):
    backend = ScriptedBackend("one")
    pool = ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})
    pool.start()
    await pool.complete.ready()
    options = ApiOptions()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    ready = asyncio.Event()
    serving = asyncio.ensure_future(serve_http(make_app(pool, options), [listener], options.limits, ready=ready.set))
    await ready.wait()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    transport = httpx2.AsyncHTTPTransport(uds=str(tmp_path / "s"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/v1/completions", json={"prompt": "x", "max_tokens": 1})
        assert answer.json()["choices"][0]["text"] == "one"
    serving.cancel()
    assert isinstance((await asyncio.gather(serving, return_exceptions=True))[0], asyncio.CancelledError)
    with socket.socket(socket.AF_UNIX) as late, pytest.raises(ConnectionRefusedError):
        late.connect(str(tmp_path / "s"))
    await pool.close()
