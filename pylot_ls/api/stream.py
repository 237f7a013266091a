"""Several requests on one WebSocket, each with an id, each to be cancelled by it.

The client sends ``{"id": "1", "path": "/v1/completions", "body": {...}}`` and ``{"cancel": "1"}``. It gets
``{"id": "1", "event": "chunk", "data": {...}}`` any number of times, then ``{"id": "1", "event": "end"}`` with a
``reason`` of ``done`` or ``cancelled``, or ``{"id": "1", "event": "error", "status": 429, "error": {...}}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from starlette.websockets import WebSocket, WebSocketDisconnect

from pylot_ls.api import infill, native, openai_chat, openai_completions
from pylot_ls.api.bodies import parse_body
from pylot_ls.api.embeddings import embed
from pylot_ls.api.errors import ApiError
from pylot_ls.api.respond import CLIENT_GONE, DONE, OK, told
from pylot_ls.api.schemas import Body, ChatBody, CompletionBody, EmbeddingBody, InfillBody, NativeBody
from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from pylot_ls.api.service import Api
    from pylot_ls.api.users import User

    Json = dict[str, Any]

PATH = "/v1/stream"
_MOST_ID_CHARACTERS = 128
# RFC 6455: a policy is violated; try again later.
_NOT_TAKEN = 1008

_ROUTES: dict[str, tuple[type[Body], Callable[..., AsyncGenerator[Any, None]]]] = {
    openai_completions.PATH: (CompletionBody, openai_completions.complete),
    openai_chat.PATH: (ChatBody, openai_chat.converse),
    "/v1/embeddings": (EmbeddingBody, embed),
    "/completion": (NativeBody, native.complete),
    "/infill": (InfillBody, infill.fill),
}


class _Message(Body):
    """What a client sends."""

    id: Annotated[str, Field(max_length=_MOST_ID_CHARACTERS)] | None = None
    path: str = ""
    body: Any = None
    cancel: Annotated[str, Field(max_length=_MOST_ID_CHARACTERS)] | None = None


class StreamConnection:
    """One WebSocket.

    Args:
        api: what is shared.
        websocket: behind the guard.
    """

    def __init__(self, api: Api, websocket: WebSocket) -> None:
        self._api = api
        self._websocket = websocket
        self._user: User = websocket.user
        self._running: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serve it until the client goes, or takes nothing any more; its requests end with it."""
        await self._websocket.accept()
        reading = asyncio.ensure_future(self._read())
        self._reading = reading
        try:
            await reading
        except asyncio.CancelledError:
            if not reading.cancelled():
                raise
        except WebSocketDisconnect:
            pass
        finally:
            tasks = [reading, *self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            text = await self._websocket.receive_text()
            try:
                message = parse_body(text, _Message)
                await self._take(message)
            except PylotError as error:
                await self._refuse(None, error)

    async def _take(self, message: _Message) -> None:
        if message.cancel is not None:
            task = self._running.get(message.cancel)
            if task is not None:
                task.cancel()
            return
        if not message.id:
            raise ApiError("a request needs an id, a text", param="id")
        if message.id in self._running:
            raise ApiError(f"the request {message.id} is still running; take another id", param="id")
        limits = self._api.options.limits
        if len(self._running) >= limits.most_running_of_user + limits.most_waiting_of_user:
            raise ApiError(
                f"{len(self._running)} requests are running on this connection already", 429, "rate_limit_error"
            )
        task = self._running[message.id] = asyncio.ensure_future(self._serve(message.id, message))
        task.add_done_callback(lambda _task: self._running.pop(message.id or "", None))

    async def _serve(self, request_id: str, message: _Message) -> None:
        status, reason = OK, "done"
        try:
            async with asyncio.timeout(self._api.options.limits.request_seconds):
                async with contextlib.aclosing(self._events(message)) as events:
                    async for event in events:
                        if event != DONE:
                            await self._send({"id": request_id, "event": "chunk", "data": event})
        except asyncio.CancelledError:
            # By the client, or with the connection; then nobody hears of it.
            status, reason = CLIENT_GONE, "cancelled"
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            status = await self._refuse(request_id, error)
        self._api.metrics.answered(self._user, status)
        if status in {OK, CLIENT_GONE}:
            await self._send({"id": request_id, "event": "end", "reason": reason})

    def _events(self, message: _Message) -> AsyncGenerator[Any, None]:
        if message.path not in _ROUTES:
            raise ApiError(f"there is nothing at {message.path!r}; there are: {', '.join(_ROUTES)}", 404, param="path")
        form, handler = _ROUTES[message.path]
        body = {"stream": True, **message.body} if isinstance(message.body, dict) else message.body
        return handler(self._api, self._user, parse_body(json.dumps(body), form))

    async def _refuse(self, request_id: str | None, error: Exception) -> int:
        refusal = told(error)
        await self._send({"id": request_id, "event": "error", "status": refusal.status, **refusal.body()})
        return refusal.status

    async def _send(self, message: Json) -> None:
        text = json.dumps(message, separators=(",", ":"))
        try:
            async with asyncio.timeout(self._api.options.limits.send_seconds), self._sending:
                await self._websocket.send_text(text)
        except TimeoutError:
            # It takes nothing any more: what else there is would wait for it in memory.
            self._reading.cancel()
        except (WebSocketDisconnect, RuntimeError):
            self._reading.cancel()
