"""An API over ASGI: no socket, no process, a client that speaks to it in the same loop."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import httpx2
import pytest_asyncio

from pylot_ls.api.app import make_app
from pylot_ls.api.options import ApiOptions
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[..., httpx2.AsyncClient]]:
    """Make a client of an API on a backend; everything is closed at the test's end."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(backend=None, options: ApiOptions | None = None, **others) -> httpx2.AsyncClient:
            backend = backend or ScriptedBackend()
            pool = ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})
            pool.start()
            stack.push_async_callback(pool.close)
            app = make_app(pool, options or ApiOptions())
            transport = httpx2.ASGITransport(app, **others)
            client = httpx2.AsyncClient(transport=transport, base_url="http://localhost")
            await stack.enter_async_context(client)
            return client

        yield start
