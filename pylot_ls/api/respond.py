"""A request's answer: one JSON, or events as they come; it ends when the client goes."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from pylot_ls.api.errors import as_api_error
from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

    from pylot_ls.api.errors import ApiError
    from pylot_ls.api.service import Api

_log = logging.getLogger(__name__)

DONE = "[DONE]"
OK = 200
# HTTP has no status for it, as nobody hears it; nginx counts it under this one.
CLIENT_GONE = 499
# nginx: nothing of the stream is to be held back.
_SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

# What a route gives: objects in the order in which they are to be sent, or ``DONE``.
Events = "AsyncGenerator[Any, None]"


class Answer(Response):
    """Sends what a route generates: all of it as events, or the one thing that it generates as JSON.

    Nothing is sent before the first thing is there, so that what fails until then has its own status.

    Args:
        api: what is shared.
        events: what the route generates.
        streams: whether it is events that are to be sent.
    """

    def __init__(self, api: Api, events: AsyncGenerator[Any, None], *, streams: bool) -> None:
        super().__init__()
        self._api = api
        self._events = events
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        work = asyncio.ensure_future(self._serve(scope, receive, send))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_served = work.done()
            work.cancel()
            gone.cancel()
            results = await asyncio.gather(work, gone, return_exceptions=True)
            await self._events.aclose()
        if is_served and isinstance(results[0], Exception):
            raise results[0]

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        user, limits = scope["user"], self._api.options.limits
        deadline = asyncio.get_running_loop().time() + limits.request_seconds
        begun = False
        status = CLIENT_GONE  # as long as it is not over

        async def tell(text: str) -> None:
            body = {"type": "http.response.body", "body": f"data: {text}\n\n".encode(), "more_body": True}
            # A client that takes nothing any more holds a place no longer than this.
            async with asyncio.timeout(limits.send_seconds):
                await send(body)

        try:
            async with asyncio.timeout_at(deadline):
                async for event in self._events:
                    if not self._streams:
                        # Its place is free before the client can ask again.
                        await self._events.aclose()
                        await JSONResponse(event)(scope, receive, send)
                        status = OK
                        return
                    if not begun:
                        begun = True
                        await self._begin(send)
                    await tell(event if isinstance(event, str) else json.dumps(event, separators=(",", ":")))
                status = OK
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            failure = told(error)
            status = failure.status
            if begun:
                await tell(json.dumps(failure.body()))
            else:
                await JSONResponse(failure.body(), status, failure.headers)(scope, receive, send)
        finally:
            self._api.metrics.answered(user, status)
        if begun:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> None:
        response = Response(media_type="text/event-stream", headers=_SSE_HEADERS)
        headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def told(error: Exception) -> ApiError:
    """An error as the client is told of it; the log has what was not foreseen."""
    if not isinstance(error, PylotError | TimeoutError):
        _log.error("a request failed", exc_info=error)
    return as_api_error(error)


async def _disconnected(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
