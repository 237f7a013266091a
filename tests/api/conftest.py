"""APIs over ASGI, with no socket, and real ones on a socket of the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import gguf
import httpx2
import pytest
import pytest_asyncio
import tiny_models
from openai import AsyncOpenAI

from pylot_ls.api.app import make_app
from pylot_ls.api.options import ApiOptions
from pylot_ls.api.server import serve_http
from pylot_ls.bench.synthetic import Shape, write_model
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


def pool_of(backend, embeds=None, chats=None):
    backends = {Role.COMPLETE: backend, Role.CHAT: chats or backend}
    return ModelPool(backends | ({Role.EMBED: embeds} if embeds else {}))


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[httpx2.AsyncClient]]]:
    """Make a client of an API on a backend; everything is closed at the test's end."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(backend=None, options: ApiOptions | None = None, *, headers=None, routes=()):
            pool = pool_of(backend or ScriptedBackend())
            pool.start()
            stack.push_async_callback(pool.close)
            await pool.complete.ready()
            app = make_app(pool, options or ApiOptions(), routes)
            stack.push_async_callback(app.state.api.infilling.close)
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app), base_url="http://localhost", headers=headers
            )
            client.app, client.api = app, app.state.api
            return await stack.enter_async_context(client)

        yield start


class Live:
    """An API on a socket."""

    def __init__(self, port, api, stack) -> None:
        self._stack = stack
        self.port = port
        self.api = api
        self.url = f"http://127.0.0.1:{port}"

    def openai(self, key="none", **others) -> AsyncOpenAI:
        client = AsyncOpenAI(api_key=key, base_url=f"{self.url}/v1", max_retries=0, **others)
        self._stack.push_async_callback(client.close)
        return client


@pytest_asyncio.fixture
async def live() -> AsyncIterator[Callable[..., Awaitable[Live]]]:
    """Serve a pool on a free port; everything is closed at the test's end."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(pool, options: ApiOptions | None = None) -> Live:
            options = options or ApiOptions()
            pool.start()
            stack.push_async_callback(pool.close)
            app = make_app(pool, options)
            listener = socket.create_server(("127.0.0.1", 0))
            ready = asyncio.Event()
            serving = asyncio.ensure_future(serve_http(app, [listener], options.limits, ready=ready.set))
            stack.push_async_callback(ended, serving)
            await ready.wait()
            return Live(listener.getsockname()[1], app.state.api, stack)

        yield start


async def ended(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(scope="session")
def chat_config(tmp_path_factory, bundled_config):
    """A model with random weights and ChatML's tokens."""
    path = tmp_path_factory.mktemp("chat") / "chat.gguf"
    write_model(path, Shape(n_layers=1, n_embd=64, n_heads=2, n_kv_heads=1, n_ff=64), "chat")
    path.with_suffix(".toml").write_text('[fim]\norders = ["psm"]\n[chat]\nformat = "chatml"\n')
    return replace(bundled_config, path=path, n_ctx=1024)


@pytest.fixture(scope="session")
def embed_config(tmp_path_factory, bundled_config):
    path = tmp_path_factory.mktemp("embed") / "tiny.gguf"
    tiny_models.write_tiny_model(path, "windowed", gguf.PoolingType.MEAN)
    return replace(bundled_config, path=path, embeds=True, flash_attention="on")


@pytest_asyncio.fixture
async def real(live, bundled_config, chat_config, embed_config) -> Live:
    """Real models: the bundled one completes, one with random weights chats, another one embeds."""
    return await live(pool_of(LlamaBackend(bundled_config), LlamaBackend(embed_config), LlamaBackend(chat_config)))
