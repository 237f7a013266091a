"""A WebSocket in front of ``pylot-ls``: a process for each connection, and each message one text frame."""

from __future__ import annotations

import http
import subprocess
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from .recording_server import read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.http11 import Request, Response
    from websockets.sync.server import ServerConnection


class Relay:
    """Listens on a port of this machine while it is entered; connections are closed with it.

    Args:
        command: what stands for ``pylot-ls``.
        key: whoever connects has to send it.
        port: 0 for any that is free; it is the same when it is entered again.
    """

    def __init__(self, command: Sequence[str], *, key: str = "", port: int = 0) -> None:
        self._command = command
        self._key = key
        self._port = port
        self._connections: set[ServerConnection] = set()

    @property
    def url(self) -> str:
        """Where it is reached, once it has been entered."""
        return f"ws://127.0.0.1:{self._port}/lsp"

    def __enter__(self) -> Self:
        self._server = serve(self._connected, "127.0.0.1", self._port, process_request=self._checked, compression=None)
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self.drop()

    def drop(self) -> None:
        """Close every connection, as a network that fails does."""
        for connection in list(self._connections):
            connection.close()

    def _checked(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/lsp":
            return connection.respond(http.HTTPStatus.NOT_FOUND, "nothing here\n")
        if self._key and request.headers.get("Authorization") != f"Bearer {self._key}":
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "another key\n")
        return None

    def _connected(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        with subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            back = threading.Thread(target=self._send, args=(server.stdout, connection))
            back.start()
            for message in connection:
                body = message.encode() if isinstance(message, str) else message
                with suppress(BrokenPipeError):
                    server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                    server.stdin.flush()
            server.stdin.close()
            server.wait()
            back.join()
        self._connections.discard(connection)

    @staticmethod
    def _send(stdout: IO[bytes], connection: ServerConnection) -> None:
        while (frame := read_frame(stdout)) is not None:
            with suppress(ConnectionClosed):
                connection.send(frame[1].decode())
        connection.close()
