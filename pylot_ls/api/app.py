"""The application: all routes behind one guard."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.websockets import WebSocket

from pylot_ls import __version__
from pylot_ls.api.bodies import forms
from pylot_ls.api.embeddings import embedding_routes
from pylot_ls.api.errors import ApiError
from pylot_ls.api.guard import Guard
from pylot_ls.api.infill import infill_routes
from pylot_ls.api.native import native_routes
from pylot_ls.api.openai_chat import chat_routes
from pylot_ls.api.openai_completions import completion_routes
from pylot_ls.api.page import page_of
from pylot_ls.api.respond import told
from pylot_ls.api.service import Api
from pylot_ls.api.status import slot_routes, status_routes
from pylot_ls.api.stream import PATH as STREAM_PATH
from pylot_ls.api.stream import StreamConnection
from pylot_ls.api.tokens import token_routes
from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from pylot_ls.api.options import ApiOptions
    from pylot_ls.engine.pool import ModelPool

_ROUTES = (
    chat_routes,
    completion_routes,
    embedding_routes,
    native_routes,
    infill_routes,
    token_routes,
    status_routes,
    slot_routes,
)
_ABOUT = "OpenAI's API and llama-server's, on the models that your editors use."


def make_app(pool: ModelPool, options: ApiOptions, routes: Sequence[BaseRoute] = ()) -> FastAPI:
    """The API of a pool, as an ASGI application without process or socket.

    Args:
        pool: of engines, started and closed by the caller.
        options: see there.
        routes: further ones behind the same guard; ``request.user`` and ``websocket.user`` say who asks.
    """
    api = Api(pool, options)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await api.infilling.close()

    app = FastAPI(
        title="pylot-ls", description=_ABOUT, version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.api = api
    for make in _ROUTES:
        app.include_router(make(api))

    @app.websocket(STREAM_PATH)
    async def stream(websocket: WebSocket) -> None:
        await StreamConnection(api, websocket).run()

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page_of(app.openapi()))

    app.router.routes.extend(routes)
    app.openapi = lambda: _page(app)  # type: ignore[method-assign]
    app.add_middleware(Guard, options=options)

    async def refuse(request: Request, error: Exception) -> Response:
        refusal = told(error)
        api.metrics.answered(request.user, refusal.status)
        return JSONResponse(refusal.body(), refusal.status, refusal.headers)

    async def refuse_route(request: Request, error: Exception) -> Response:
        return await refuse(request, _of_route(request, error))

    app.add_exception_handler(PylotError, refuse)
    app.add_exception_handler(HTTPException, refuse_route)
    return app


def _page(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: bodies are read by us, so that FastAPI does not know them."""
    if app.openapi_schema is None:
        page = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        page.setdefault("components", {}).setdefault("schemas", {}).update(forms())
        app.openapi_schema = page
    return app.openapi_schema


def _of_route(request: Request, error: Exception) -> ApiError:
    """No such path, or not by this method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers: Any = getattr(error, "headers", None)
    if status == 404:  # noqa: PLR2004
        return ApiError(f"there is nothing at {request.url.path}; see /docs", 404, "not_found_error", code="not_found")
    message = f"{request.method} does not go with {request.url.path}; see /docs"
    return ApiError(message, status, "invalid_request_error", code="method_not_allowed", headers=headers)
