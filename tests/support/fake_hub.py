"""A hub on loopback: as much of its protocol as a download needs, and the ways in which one goes wrong."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_PART_BYTES = 16_384


class FakeHub:
    """Serves one content under every repository and file name.

    Attributes:
        content: what it sends.
        sha256: what it says that is.
        cuts: before it has sent so many bytes of an answer, it closes the connection: one number an answer.
        hold_after: it stops after so many bytes of an answer, sets ``held`` and waits for ``let_go``.
        error: a status and the code of the hub's header, instead of any content.
        takes_ranges: whether it heeds them.
        ranges: the first byte asked for, one for each GET.
        n_sent: bytes of content sent.
    """

    def __init__(self, content):
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.cuts = []
        self.hold_after = None
        self.held, self.let_go = threading.Event(), threading.Event()
        self.error = None
        self.takes_ranges = True
        self.ranges = []
        self.paths = []
        self.n_sent = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(hub):
    return type("Handler", (_Handler,), {"hub": hub})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._head(0)

    def do_GET(self):
        asked = self.headers.get("Range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.hub.ranges.append(start)
        if not self.hub.takes_ranges:
            start = 0
        if self._head(start):
            # A client that was killed reads no more.
            with contextlib.suppress(OSError):
                self._send(self.hub.content[start:])

    def _head(self, start):
        self.hub.paths.append(self.path)
        n_bytes = len(self.hub.content)
        status, code = self.hub.error or (206 if start else 200, None)
        headers = {"Content-Length": 0, "X-Error-Code": code}
        if code is None:
            headers = {
                "X-Repo-Commit": COMMIT,
                "ETag": '"of the storage"',
                "X-Linked-ETag": f'"{self.hub.sha256}"',
                "X-Linked-Size": n_bytes,
                "Content-Length": n_bytes - start,
            }
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        return code is None

    def _send(self, content):
        hub = self.hub
        cut = hub.cuts.pop(0) if hub.cuts else len(content)
        if hub.hold_after is not None and hub.hold_after < len(content):
            self._write(content[: hub.hold_after])
            hub.held.set()
            hub.let_go.wait(60)
            content = content[hub.hold_after :]
        self._write(content[:cut])
        self.close_connection = cut < len(content)

    def _write(self, content):
        for start in range(0, len(content), _PART_BYTES):
            part = content[start : start + _PART_BYTES]
            self.wfile.write(part)
            self.hub.n_sent += len(part)
        self.wfile.flush()
