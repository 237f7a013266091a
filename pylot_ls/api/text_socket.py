"""WebSockets of texts, for what speaks another protocol beside the API, behind the same guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pylot_ls.api.users import User

# RFC 6455, 7.4.1: a normal end; a policy is violated; try again later (registered with IANA).
_NORMAL, _REFUSED, _TRY_LATER = 1000, 1008, 1013


class TextSocket:
    """One client."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self.user: User = websocket.user

    async def accept(self) -> None:
        """Let the client in."""
        await self._websocket.accept()

    async def refuse(self, reason: str, *, is_forbidden: bool = False) -> None:
        """Do not let it in, or no longer; ``is_forbidden``: it need not come again."""
        await self._websocket.close(_REFUSED if is_forbidden else _TRY_LATER, reason)

    async def receive(self) -> str | None:
        """The next text; None when the client has gone, or sends what is no text."""
        try:
            return await self._websocket.receive_text()
        except (WebSocketDisconnect, KeyError, RuntimeError):
            return None

    async def send(self, text: str) -> None:
        """Send a text.

        Raises:
            OSError: the client has gone.
        """
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionResetError(str(error)) from error

    async def close(self) -> None:
        """Part in peace; nothing happens where the client has gone."""
        if self._websocket.client_state is WebSocketState.CONNECTED:
            try:
                await self._websocket.close(_NORMAL)
            except (WebSocketDisconnect, RuntimeError):
                return


def text_route(path: str, serve: Callable[[TextSocket], Awaitable[None]]) -> BaseRoute:
    """A route for ``make_app``: each client of it is served until ``serve`` returns."""

    async def endpoint(websocket: WebSocket) -> None:
        socket = TextSocket(websocket)
        try:
            await serve(socket)
        finally:
            await socket.close()

    return WebSocketRoute(path, endpoint)
