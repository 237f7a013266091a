"""The application on sockets: uvicorn on the loop that runs, with signals left alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from starlette.types import ASGIApp

    from pylot_ls.api.options import Limits

_log = logging.getLogger(__name__)

# A request's line and headers.
_MOST_HEAD_BYTES = 64 * 1024
_KEEP_ALIVE_S = 30
# After which requests in flight are ended when the server is.
_GRACE_S = 2
_MOST_FRAMES_WAITING = 8


@dataclass(frozen=True, slots=True)
class Tls:
    """What HTTPS needs.

    Attributes:
        certificate, key: files in PEM.
        password: of the key.
    """

    certificate: Path
    key: Path
    password: str | None = None


async def serve_http(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    limits: Limits,
    *,
    tls: Tls | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve on sockets that are bound, until cancelled; what is in flight is ended then.

    Args:
        app: see ``make_app``.
        sockets: TCP or unix; closed in the end.
        limits: of connections and frames.
        tls: for HTTPS; None for HTTP.
        ready: called once requests are taken.
    """
    config = uvicorn.Config(
        app,
        loop="none",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=limits.most_frame_bytes,
        ws_max_queue=_MOST_FRAMES_WAITING,
        # What is compressed may be much larger than its frame.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.most_connections,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=_MOST_HEAD_BYTES,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
        ssl_keyfile_password=None if tls is None else tls.password,
    )
    server = _Server(config, ready)
    serving = asyncio.ensure_future(server.serve(sockets=list(sockets)))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        raise


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the loop."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()
