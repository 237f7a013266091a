"""Requests that are to be refused, on each route and WebSocket that the shared server has: its own application."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaign import Campaign, Trial
from fastapi.routing import iter_route_contexts

from pylot_ls.api.guard import Guard
from pylot_ls.config.settings import ModelSettings, Settings
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_pool import SharedModels
from pylot_ls.serving import http
from pylot_ls.serving.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

_PORT = 8080
_HOST = f"localhost:{_PORT}"
_KINDS = ("host", "origin", "key")
# Whoever may ask at all sees these without a key.
_PUBLIC = {"/health", "/v1/health", "/docs", "/openapi.json", "/"}
_FORBIDDEN, _UNAUTHORIZED, _NOT_ALLOWED, _BAD_REQUEST, _ACCEPTED = 403, 401, 405, 400, 101
_SOCKET_EACH = 10
_HEADERS_END = b"\r\n\r\n"
_HOSTS = (
    "evil.example", f"evil.example:{_PORT}", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io",
    "evil-localhost", "localhost.", "0.0.0.0", "127.0.0.2", "127.1", "2130706433", "[::]", "[::1", "[::ffff:127.0.0.1]",
    "", ":80", "localhost@evil.example", "evil.example@localhost", "a:b@localhost", "localhost/.evil.example",
    "localhost?.evil.example", "localhost#.evil.example", "localhost\\.evil.example", "localhost:80:90",
    "localhost:evil.example", "localhost,evil.example", "localhost evil.example", "xn--lcalhost-n2a", "local\thost",
)  # fmt: skip
_ORIGINS = (
    "https://evil.example", "null", "", "http://localhost:3000", "http://localhost", "http://localhost.evil.example",
    f"https://evil.example:{_PORT}", f"http://{_HOST}.evil.example", f"http://evil@{_HOST}", f"ftp://{_HOST}",
    f"http://{_HOST}/", f"http://{_HOST} http://evil.example", "file://", f"file://{_HOST}", _HOST, f"//{_HOST}",
    "vscode-webview://x", "moz-extension://x", "http://127.0.0.1", "*", f"HTTP://{_HOST}x", "javascript:1",
)  # fmt: skip
_KEYS = (
    {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer "}, {"x-api-key": ""},
    {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, {"authorization": "{key}"},
    {"authorization": "Basic {key}"}, {"authorization": "Token {key}"}, {"authorization": "Bearer {key}x"},
    {"x-api-key": "{short}"}, {"x-api-key": "{key},{key}"}, {"x-api-key": "{hash}"}, {"authorization": "Bearer {hash}"},
    {"authorization": "Bearer {revoked}"}, {"x-api-key": "{revoked}"}, {"cookie": "key={key}; authorization={key}"},
    {"proxy-authorization": "Bearer {key}"}, {"x-api-key": "default"}, {"x-api-key": "k" * 5000},
    {"authorization": "Bearer \xff\xfe"}, {"x-api-key": "None"}, {"x-forwarded-user": "default"},
    {"x-original-url": "/health"}, {"x-forwarded-host": "localhost", "x-forwarded-for": "127.0.0.1"},
)  # fmt: skip


@dataclass(frozen=True)
class Door:
    """A route, by one of its methods; "" for a WebSocket."""

    method: str
    path: str


@dataclass
class House:
    """The shared server's application, as it serves it."""

    app: ASGIApp
    port: int
    fields: dict[str, str]
    backend: ScriptedBackend
    n_submitted: int = 0

    def doors(self) -> list[Door]:
        found = []
        for route in iter_route_contexts(self.app.routes):
            path = re.sub(r"{[^}]*}", "x", route.path)
            found += [Door(method, path) for method in sorted(route.methods or ("",))]
        return found

    @property
    def good(self) -> dict[str, str]:
        return {"host": _HOST, "authorization": f"Bearer {self.fields['key']}"}


@contextlib.asynccontextmanager
async def house(trial: Trial) -> AsyncIterator[House]:
    """A shared server with HTTP in this process; the application is taken from where it is made."""
    made: list[Any] = []
    make_app = http.make_app
    trial.patch.setattr(http, "make_app", lambda *args: made.append(make_app(*args)) or made[-1])
    trial.patch.setenv("XDG_STATE_HOME", str(trial.folder / "state"))
    (trial.folder / "state").mkdir(mode=0o700)
    backend = ScriptedBackend("answered")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(model=ModelSettings(backend="scripted"))
        models = SharedModels({Role.COMPLETE: backend, Role.CHAT: backend})
        daemon = Daemon(Path(folder) / "run", settings, models, idle_exit_s=0, http=http.HttpOptions())
        task = asyncio.ensure_future(daemon.run())
        await daemon.listens.wait()
        key, book = http.own_key_path().read_text().strip(), http.key_book()
        revoked = book.create("revoked")
        book.revoke("revoked")
        fields = {
            "key": key,
            "short": key[:-1],
            "hash": book.entries()[0].sha256,
            "revoked": revoked,
            "api": book.create("colleague"),
        }
        found = House(made[0], int(daemon._url.rpartition(":")[2]), fields, backend)
        submit = backend.submit

        def counted(request) -> None:
            found.n_submitted += 1
            submit(request)

        trial.patch.setattr(backend, "submit", counted)
        try:
            yield found
        finally:
            daemon.stop("the campaign is over")
            await task


@dataclass
class Answer:
    """What came back: a status, or 101 where a WebSocket was let in; ``is_closed``: before it was accepted."""

    status: int
    headers: str
    body: bytes
    is_closed: bool = False


async def by_asgi(house: House, door: Door, headers: dict[str, str], *, tells_status: bool) -> Answer:
    """Ask the application itself. ``tells_status``: the server can answer a WebSocket with a status."""
    query = b"key=" + house.fields["key"].encode()
    scope: dict[str, Any] = {
        "type": "http" if door.method else "websocket", "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1", "path": door.path, "raw_path": door.path.encode(), "query_string": query,
        "root_path": "", "scheme": "http" if door.method else "ws", "server": ("127.0.0.1", _PORT),
        "client": ("127.0.0.1", 1), "state": {},
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        **({"method": door.method} if door.method else {"subprotocols": []}),
        "extensions": {"websocket.http.response": {}} if tells_status else {},
    }  # fmt: skip
    came: list[dict[str, Any]] = (
        [{"type": "http.request", "body": b"{}"}]
        if door.method
        else [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1001}]
    )
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not came:
            await asyncio.Event().wait()  # the client stays as long as it is answered
        return came.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await house.app(scope, receive, send)
    first = sent[0]
    if first["type"] == "websocket.close":
        return Answer(_FORBIDDEN, "", b"", is_closed=True)  # which servers make of it
    status = first.get("status", _ACCEPTED)
    return Answer(status, repr(first.get("headers", "")), b"".join(each.get("body", b"") for each in sent))


async def by_socket(house: House, door: Door, headers: dict[str, str]) -> Answer:
    """Ask as a client on this machine does, with whatever headers it likes."""
    asked = {**headers, **({"connection": "close"} if door.method else {"connection": "Upgrade", "upgrade": "websocket",
        "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="})}  # fmt: skip
    if door.method not in {"", "GET", "HEAD"}:
        asked = {**asked, "content-length": "2"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
    head = f"{door.method or 'GET'} {door.path} HTTP/1.1\r\n{lines}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(head.encode("latin-1") + (b"{}" if "content-length" in asked else b""))
    try:
        said = await reader.readuntil(_HEADERS_END)
        status = int(said.split(b" ", 2)[1])
        body = b"" if status == _ACCEPTED else await reader.read()
    finally:
        writer.close()
    return Answer(status, said.decode("latin-1"), body)


def attack(trial: Trial, house: House, door: Door, kind: str) -> dict[str, str]:
    """Headers of which one kind is bad and all others are good."""
    good = house.good
    match kind:
        case "host":
            bad = trial.rng.choice([*_HOSTS, None])
            if bad is None:
                return {name: value for name, value in good.items() if name != "host"}
            origin = {"origin": f"http://{bad}"} if trial.rng.random() < 0.5 else {}  # as a page of that name sends it
            return {**good, "host": bad, **origin}
        case "origin":
            return {**good, "origin": trial.rng.choice(_ORIGINS)}
        case _:
            keys = [*_KEYS, *([{"authorization": "Bearer {api}"}] if door.path == http.LSP_PATH else [])]
            chosen = trial.rng.choice(keys)
            return {"host": _HOST, **{name: value.format(**house.fields) for name, value in chosen.items()}}


def is_refused(house: House, kind: str, headers: dict[str, str], answer: Answer) -> bool:
    if any(secret.encode() in answer.body for secret in house.fields.values()):
        return False
    if "access-control" in answer.headers.lower():
        return False
    if house.fields["api"] in headers.get("authorization", ""):
        return answer.status == _FORBIDDEN
    # A WebSocket that is closed before it is accepted has one status for all reasons.
    return answer.status == _FORBIDDEN if kind != "key" else answer.status == _UNAUTHORIZED or answer.is_closed


async def one(trial: Trial, house: House, door: Door, kind: str, *, on_socket: bool) -> None:
    headers = attack(trial, house, door, kind)
    what = f"{door.method or 'WebSocket'} {door.path} {headers}"
    before = house.n_submitted
    if on_socket:
        answer = await by_socket(house, door, headers)
        trial.count("through a socket")
        if answer.status == _BAD_REQUEST and b"Invalid HTTP request" in answer.body:
            trial.count("refused as no HTTP")
            return
    else:
        answer = await by_asgi(house, door, headers, tells_status=trial.rng.random() < 0.5)
    trial.check(house.n_submitted == before, "reached the engine", what)
    if kind == "key" and door.path in _PUBLIC:
        trial.count("open to all")
        trial.check(not any(each.encode() in answer.body for each in house.fields.values()), "let in", what)
        return
    trial.check(is_refused(house, kind, headers, answer), "let in", f"{what}: {answer.status}")


async def serve(trial: Trial) -> None:
    async with house(trial) as found:
        doors = found.doors()
        trial.figures["routes"] = len(doors)
        trial.figures["WebSockets"] = sum(not door.method for door in doors)
        for door in doors:  # what is refused is refused for the reason given, and not since there is nothing
            answer = await by_asgi(found, door, found.good, tells_status=True)
            closed = answer.status in {_UNAUTHORIZED, _FORBIDDEN, _NOT_ALLOWED} or b"there is nothing at" in answer.body
            trial.check(not closed, "closed to the right ones", f"{door}: {answer.status}")
            if not door.method:
                answer = await by_socket(found, door, found.good)
                trial.check(answer.status == _ACCEPTED, "closed to the right ones", f"{door}, socket: {answer.status}")
        n_kinds, n_doors = len(_KINDS), len(doors)
        for number in trial.rounds():
            door, kind = doors[number // n_kinds % n_doors], _KINDS[number % n_kinds]
            await one(trial, found, door, kind, on_socket=trial.rng.randrange(_SOCKET_EACH) == 0)
            trial.count("requests")


def run(trial: Trial) -> None:
    asyncio.run(serve(trial))


def plant(patch) -> None:
    """A WebSocket's Origin is not looked at: browsers ask nobody before they open one."""
    guard = Guard.__call__

    async def call(self, scope, receive, send) -> None:
        if scope["type"] == "websocket":
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] != b"origin"]}
        await guard(self, scope, receive, send)

    patch.setattr(Guard, "__call__", call)


CAMPAIGN = Campaign(
    number=17,
    title="rebinding Host, foreign Origin, bad key on every route and WebSocket, one of ten through a socket",
    goal="all refused",
    unit="requests",
    short=300,
    full=20_000,
    run=run,
    plant=plant,
    faults=("let in", "reached the engine", "closed to the right ones"),
)
