"""An application whose owner knows how much it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send


class Counted:
    """Tells when requests, and WebSockets, begin and end.

    Args:
        app: see ``make_app``.
        on_request: called with 1 when one begins and -1 when it ends.
    """

    def __init__(self, app: ASGIApp, on_request: Callable[[int], None]) -> None:
        self._app = app
        self._on_request = on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        self._on_request(1)
        try:
            await self._app(scope, receive, send)
        finally:
            self._on_request(-1)
