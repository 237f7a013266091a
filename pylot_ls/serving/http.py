"""HTTP beside the shared server's socket: the API, and LSP over a WebSocket, on the same models."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pylot_ls.api.app import make_app
from pylot_ls.api.counted import Counted
from pylot_ls.api.keys import KeyBook
from pylot_ls.api.options import LOOPBACK_HOSTS, ApiOptions, Limits
from pylot_ls.api.server import serve_http
from pylot_ls.api.text_socket import text_route
from pylot_ls.config.folders import make_private, state_folder
from pylot_ls.errors import PylotError
from pylot_ls.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from pylot_ls.api.server import Tls
    from pylot_ls.api.text_socket import TextSocket
    from pylot_ls.engine.shared_pool import SharedModels
    from pylot_ls.serving.sessions import Editors

_log = logging.getLogger(__name__)

LSP_PATH = "/lsp"
_OWN_KEY = "default"
# A document that is opened comes in one message.
_MOST_FRAME_BYTES = 16 * 1024 * 1024


class HttpError(PylotError):
    """HTTP cannot be served as it was asked for."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Where and for whom.

    Attributes:
        host, port: where it listens; port 0 takes any that is free.
        needs_key: whether who asks has to show a key.
        hosts: names, beside those of this machine itself, that the Host header may have.
        origins: of web pages that may ask.
        tls: for HTTPS; None for HTTP.
        limits: see ``Limits``.
    """

    host: str = "127.0.0.1"
    port: int = 0
    needs_key: bool = True
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    tls: Tls | None = None
    limits: Limits = field(default_factory=Limits)

    def check(self) -> None:
        """See that nobody is let in whom the user does not know of, and that the files for HTTPS are some.

        Raises:
            HttpError: others could reach it without a key, or the files cannot be used.
        """
        if not self.needs_key and not is_loopback(self.host):
            raise HttpError(
                f"on {self.host} others on the network could use the models and see what is asked; leave --no-keys "
                "out, or listen on 127.0.0.1"
            )
        if self.tls is not None:
            _check_files(self.tls)


def _check_files(tls: Tls) -> None:
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, tls.password or "")
    except OSError as error:  # SSLError is one
        reason = error.strerror or error
        raise HttpError(
            f"HTTPS cannot be served with {tls.certificate} and {tls.key} ({reason}): give a certificate and its own "
            "key, both in PEM, the key without a password"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it. A name may lead anywhere, but for the one that never does."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key_book() -> KeyBook:
    """The keys that are known."""
    return KeyBook(state_folder() / "api-keys.json")


def own_key_path() -> Path:
    """The file with the user's own key."""
    return state_folder() / "api-key"


def ensure_own_key() -> None:
    """Make the user's own key at the first start, and write it where only the user reads it.

    Raises:
        PylotError: it cannot be written.
    """
    book = key_book()
    if book.entries():
        return
    make_private(state_folder())
    path = own_key_path()
    key = book.create(_OWN_KEY, shares_editors=True)
    try:
        write_private(path, key + "\n")
    except OSError as error:
        book.revoke(_OWN_KEY)
        raise HttpError(f"the key cannot be written to {path}: {error.strerror}") from error


def bind(options: HttpOptions) -> socket.socket:
    """The socket, bound.

    Raises:
        HttpError: it cannot be.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
        try:
            if os.name == "posix":  # elsewhere another program could then take the port, too
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise HttpError(
            f"{options.host} port {options.port} cannot be had: {error.strerror or error}; choose another with --port"
        ) from error
    return made


@contextlib.asynccontextmanager
async def serving_http(
    options: HttpOptions, models: SharedModels, editors: Editors, on_request: Callable[[int], None]
) -> AsyncIterator[str]:
    """Serve while the context lasts; the address of it.

    Args:
        options: see there.
        models: of the process.
        editors: those that come over the WebSocket join these.
        on_request: called with 1 when a request begins and -1 when it ends.

    Raises:
        HttpError: see ``HttpOptions.check`` and ``bind``.
    """
    options.check()
    if options.needs_key:
        ensure_own_key()
    bound = bind(options)
    host, port = bound.getsockname()[:2]
    api_options = ApiOptions(
        keys=key_book() if options.needs_key else None,
        hosts=(*LOOPBACK_HOSTS, *((options.host,) if is_loopback(options.host) else ()), *options.hosts),
        origins=options.origins,
        limits=options.limits,
    )
    pool = models.pool_of("api")
    pool.start()
    routes = [text_route(LSP_PATH, lambda client: _serve_editor(client, editors))]
    app = Counted(make_app(pool, api_options, routes), on_request)
    ready = asyncio.Event()
    limits = replace(options.limits, most_frame_bytes=_MOST_FRAME_BYTES)
    serving = asyncio.ensure_future(serve_http(app, [bound], limits, tls=options.tls, ready=ready.set))
    began = asyncio.ensure_future(ready.wait())
    try:
        await asyncio.wait({serving, began}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            raise HttpError(f"HTTP ended at once: {serving.exception() or 'see the log'}")
        shown = f"[{host}]" if ":" in host else host
        yield f"{'http' if options.tls is None else 'https'}://{shown}:{port}"
    finally:
        began.cancel()
        serving.cancel()
        await asyncio.gather(serving, began, return_exceptions=True)
        bound.close()
        await pool.close()


async def _serve_editor(client: TextSocket, editors: Editors) -> None:
    if client.user.salt:
        # Whoever uses LSP sees the user's cache, settings and folders; who has a key for the API alone does not.
        await client.refuse("this key is not for editors", is_forbidden=True)
    elif editors.is_full:
        await client.refuse("too many editors are connected")
    else:
        await client.accept()
        await editors.serve_messages(editors.welcome({}, os.environ), client)
