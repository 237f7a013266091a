"""Servers for campaigns: one in this process, of which every message is seen, and real ones at the end of pipes."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.lsp.framing import Frame, FrameDecoder, encode_frame
from pylot_ls.lsp.server import PylotServer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.backend import Backend
    from pylot_ls.kvcache.store import PrefixStore

URI = "file:///project/a.py"
HANG_S = 30.0


def encoded(**message: Any) -> bytes:
    """A message of JSON-RPC in its frame."""
    return encode_frame(json.dumps({"jsonrpc": "2.0", **message}).encode())


def place(line: int, character: int, uri: str = URI) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


def opening(text: str, uri: str = URI, language: str = "python") -> dict[str, Any]:
    return {"textDocument": {"uri": uri, "languageId": language, "version": 1, "text": text}}


def editing(version: int, text: str, at: tuple[int, int] | None = None, uri: str = URI) -> dict[str, Any]:
    """Insert at a place, or replace everything."""
    where = {} if at is None else {"range": {end: dict(zip(("line", "character"), at, strict=True)) for end in _ENDS}}
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text, **where}]}


_ENDS = ("start", "end")


class InProcess:
    """A server of this process on a backend, and its client.

    Attributes:
        answers: how often each id was answered.
        shown: messages that the user was shown.
        errors: those among the answers.
        configuration: what the client says when it is asked for the settings.
    """

    def __init__(self, backend: Backend, store: PrefixStore | None = None) -> None:
        pool = ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}, store)
        self.server = PylotServer({}, lambda _settings: pool)
        self.answers: Counter[Any] = Counter()
        self.shown: list[str] = []
        self.errors: list[dict[str, Any]] = []
        self.exit_code: int | None = None
        self.configuration: Any = None
        self._waiting: dict[Any, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count(1)
        self.server.protocol.connect(self)

    # What the protocol asks of its transport.

    def send(self, body: bytes) -> None:
        message = json.loads(body)
        if "method" not in message:
            self.answers[message["id"]] += 1
            if "error" in message:
                self.errors.append(message)
            if (waiting := self._waiting.pop(message["id"], None)) is not None:
                waiting.set_result(message)
        elif "id" in message:
            result = [self.configuration] if message["method"] == "workspace/configuration" else None
            loop = asyncio.get_running_loop()
            loop.call_soon(self.receive, {"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif message["method"] == "window/showMessage":
            self.shown.append(message["params"]["message"])

    def stop(self, exit_code: int, _reason: str) -> None:
        self.exit_code = exit_code

    def watch_parent(self, pid: int) -> None:
        """Nobody to watch."""

    # What a campaign does with it.

    def receive(self, message: Any) -> None:
        self.server.protocol.handle_message(message)

    def notify(self, method: str, params: Any) -> None:
        self.receive({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any) -> asyncio.Future[dict[str, Any]]:
        """A future of the whole answer; its ``msg_id`` is the request's."""
        msg_id = next(self._ids)
        answer = self._waiting[msg_id] = asyncio.get_running_loop().create_future()
        answer.msg_id = msg_id
        self.receive({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return answer

    def ask(self, line: int, character: int, uri: str = URI) -> asyncio.Future[dict[str, Any]]:
        params = {**place(line, character, uri), "context": {"triggerKind": 2}}
        return self.request("textDocument/inlineCompletion", params)

    async def initialize(self, **params: Any) -> None:
        await self.request("initialize", {"processId": None, "capabilities": {}, **params})
        self.notify("initialized", {})

    async def configured_anew(self) -> Settings:
        """Have the server ask for the settings; those that it then has."""
        session, done = self.server.session, asyncio.Event()
        configure = session.configure

        def configured(options: object) -> None:
            configure(options)
            done.set()

        session.configure = configured
        try:
            self.notify("workspace/didChangeConfiguration", {"settings": {}})
            async with asyncio.timeout(HANG_S):
                await done.wait()
        finally:
            session.configure = configure
        return session.settings

    async def settled(self) -> None:
        """Wait for what was begun beside the requests."""
        session = self.server.session
        while work := session._tasks - {session.power_watch}:
            await asyncio.wait(work)

    async def close(self) -> None:
        await self.server.protocol.close(timeout_s=5)
        await self.server.session.close()


class Process:
    """A real server, and the client's ends of its pipes.

    Attributes:
        prelude: what every server runs before it begins; a fault is planted there.
    """

    prelude = ""

    def __init__(self, *options: str, environment: dict[str, str] | None = None) -> None:
        program = f"{self.prelude}\nfrom pylot_ls.__main__ import main\nmain()"
        self.popen = subprocess.Popen(
            (sys.executable, *(("-c", program) if self.prelude else ("-m", "pylot_ls")), *options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **(environment or {})},
        )
        self._decoder = FrameDecoder()
        self.messages: list[dict[str, Any]] = []
        self.has_ended = False

    def send(self, data: bytes) -> bool:
        """Whether the server still takes what is sent."""
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self.popen.stdin.write(rest) :]
        except (BrokenPipeError, ValueError):
            return False
        return True

    def read(self, timeout_s: float) -> bool:
        """Take what comes within a time; False where nothing did, or the server has ended."""
        out = self.popen.stdout.fileno()
        if not select.select([out], [], [], timeout_s)[0]:
            return False
        data = os.read(out, 65536)
        self.messages += [each.value for each in self._decoder.feed(data) if isinstance(each, Frame)]
        self.has_ended = not data
        return bool(data)

    def answer(self, msg_id: Any, timeout_s: float = HANG_S) -> dict[str, Any] | None:
        """The answer to a request; None where it does not come, or the server ends."""
        until = time.monotonic() + timeout_s
        while True:
            for each in self.messages:
                if "method" not in each and each.get("id") == msg_id:
                    return each
            if not self.read(until - time.monotonic() if time.monotonic() < until else 0):
                return None

    def initialize(self, **params: Any) -> None:
        self.send(encoded(id="init", method="initialize", params={"capabilities": {}, **params}))
        self.answer("init")
        self.send(encoded(method="initialized", params={}))

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit code and what was logged."""
        _, logged = self.popen.communicate(timeout=HANG_S)
        return self.popen.returncode, logged.decode("utf-8", errors="replace")

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            pipe.close()


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which that share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
