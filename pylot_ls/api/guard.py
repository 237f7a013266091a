"""What stands before every route: Host, Origin, CORS and the key. Pure ASGI, so that WebSockets pass it, too.

A web page that a user of this machine looks at can send requests to it. It cannot choose the Host header, so a name
that it lets resolve to this machine is told by that; and it cannot leave out its Origin.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from pylot_ls.api.errors import ApiError, as_api_error
from pylot_ls.api.options import ANY, LOCAL_PAGES, LOOPBACK_HOSTS
from pylot_ls.api.users import ANYBODY
from pylot_ls.errors import KeyBookError, PylotError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pylot_ls.api.options import ApiOptions
    from pylot_ls.api.users import User

_log = logging.getLogger(__name__)

# What can be seen without a key: that there is a server, and how it is asked.
_PUBLIC = {"/", "/health", "/v1/health", "/docs", "/openapi.json"}
_METHODS = "GET, POST, DELETE, OPTIONS"
# RFC 6455: a policy is violated.
_WEBSOCKET_REFUSED = 1008
_BEARER = "bearer "
# RFC 9110, 7.2, without what RFC 3986 has for names that no resolver knows.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._~-]+))(?::[0-9]*)?")


class Guard:
    """Lets pass who may ask, and says who it is: ``scope["user"]``.

    Args:
        app: what is guarded.
        options: who may ask, from where.
    """

    def __init__(self, app: ASGIApp, options: ApiOptions) -> None:
        self._app = app
        self._options = options
        self._n_websockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        try:
            self._check_host(headers.get("host"))
            is_allowed = origin is not None and self._is_allowed(origin)
            answering = _with_cors(send, self._allowed_name(origin)) if origin is not None and is_allowed else send
            if scope["type"] == "http" and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                # A browser asks whether a page may ask; without the headers it may not.
                await Response()(scope, receive, answering)
                return
            if origin is not None and not is_allowed and not _is_same(origin, headers.get("host")):
                raise ApiError(
                    f"web pages of {origin} may not ask this server; allow it in its settings if it is yours",
                    403,
                    "permission_error",
                    code="origin_not_allowed",
                )
            scope["user"] = await self._user(scope["path"], headers)
            if scope["type"] == "websocket" and self._n_websockets >= self._options.limits.most_connections:
                # uvicorn counts requests alone.
                raise ApiError("too many WebSockets are open", 503, "unavailable_error", code="too_many_connections")
        except PylotError as error:
            await _refuse(as_api_error(error), scope, receive, send)
            return
        if scope["type"] == "http":
            await self._app(scope, receive, answering)
            return
        self._n_websockets += 1
        try:
            await self._app(scope, receive, answering)
        finally:
            self._n_websockets -= 1

    def _check_host(self, host: str | None) -> None:
        name = _host_name(host or "")
        if ANY not in self._options.hosts and name not in self._options.hosts:
            raise ApiError(
                f"this server is not {name or 'a host without a name'}; ask it as {self._options.hosts[0]}, or allow "
                "the name in its settings",
                403,
                "permission_error",
                code="host_not_allowed",
            )

    def _is_allowed(self, origin: str) -> bool:
        return ANY in self._options.origins or self._is_named(origin)

    def _allowed_name(self, origin: str) -> str:
        """What a page that may ask is told that may: itself, or any."""
        return origin if self._is_named(origin) else ANY

    def _is_named(self, origin: str) -> bool:
        origins = self._options.origins
        if origin in origins:
            return True
        scheme, _, host = origin.partition("://")
        return LOCAL_PAGES in origins and scheme in {"http", "https"} and _host_name(host) in LOOPBACK_HOSTS

    async def _user(self, path: str, headers: Headers) -> User:
        book = self._options.keys
        if book is None or path in _PUBLIC:
            return ANYBODY
        key = headers.get("x-api-key")
        authorization = headers.get("authorization", "")
        if authorization[: len(_BEARER)].lower() == _BEARER:
            key = authorization[len(_BEARER) :].strip()
        try:
            # The book's file is looked at, which on some disks takes its time.
            user = await asyncio.to_thread(book.find, key) if key else None
        except KeyBookError:
            # Where it lies is nobody's business before it is known who asks.
            _log.exception("a request cannot be let in")
            raise ApiError("the API keys cannot be read; the server's log says why", 503, "unavailable_error") from None
        if user is None:
            raise ApiError(
                "the API key is unknown" if key else "an API key is needed: send it as Authorization: Bearer KEY",
                401,
                "authentication_error",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return user


def _host_name(host: str) -> str:
    """A Host header without its port: ``[::1]:8080`` is ``::1``; "" where it is none.

    Not read as a part of a URL, of which ``localhost`` would be the host in ``a@localhost`` and ``localhost#a``, too.
    """
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found is not None else ""


def _is_same(origin: str, host: str | None) -> bool:
    """Whether a page comes from this server itself, whose name is known to be right by now."""
    scheme, _, place = origin.partition("://")
    return host is not None and scheme in {"http", "https"} and place == host


def _with_cors(send: Send, origin: str) -> Send:
    """Let a page of an origin that is allowed read the answer.

    Where any page may ask, it asks without what the browser has of the user: no cookie and no certificate of a client.
    """
    allowed = [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Methods", _METHODS),
        ("Access-Control-Allow-Headers", "*"),
        ("Vary", "Origin"),
    ]
    if origin != ANY:
        allowed.append(("Access-Control-Allow-Credentials", "true"))

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            added = [(name.encode(), value.encode("latin-1", "replace")) for name, value in allowed]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await send(message)

    return answer


async def _refuse(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await JSONResponse(error.body(), error.status, error.headers)(scope, receive, send)
        return
    # Before it is accepted, a server that can answers with the status, and any other with 403.
    if "websocket.http.response" in scope.get("extensions", {}):
        await JSONResponse(error.body(), error.status, error.headers)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": _WEBSOCKET_REFUSED, "reason": error.kind})
