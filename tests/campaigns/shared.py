"""The shared server for campaigns: a real one with the process of its models, and editors on its socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from served import HANG_S, encoded, opening, place

from pylot_ls import __version__
from pylot_ls.errors import PylotError
from pylot_ls.lsp.framing import Frame, FrameDecoder
from pylot_ls.lsp.model_state import MODEL_METHOD
from pylot_ls.serving.place import ask, log_path

if TYPE_CHECKING:
    from collections.abc import Iterator

# The process says on stdout that it listens, once.
_TELLING = """
import os
from pylot_ls.serving.daemon import Daemon
look_around = Daemon._look_around
def telling(daemon):
    if daemon.listens.is_set():
        Daemon._look_around = look_around
        os.write(1, b"listens")
    look_around(daemon)
Daemon._look_around = telling
"""
# However slow the machine is.
_ENVIRONMENT = {f"PYLOT_LS_COMPLETION_{name}": "0" for name in ("ANSWER_AFTER_MS", "TIME_BUDGET_MS", "CONFIDENCE")}


class SharedServer:
    """``pylot-ls serve`` in a process of its own.

    Args:
        home: for what it keeps; its socket is elsewhere, under a short name.
        options: of its command line.
        prelude: what it runs before it begins.
        environment: settings of its own.

    Attributes:
        planted: what every server runs before it begins; a fault is planted there.
    """

    planted = ""

    def __init__(self, home: Path, *options: str, prelude: str = "", environment: dict[str, str] | None = None) -> None:
        self._runtime = tempfile.TemporaryDirectory()
        self.folder = Path(self._runtime.name) / "pylot-ls"
        program = f"{_TELLING}\n{self.planted}\n{prelude}\nfrom pylot_ls.__main__ import main\nmain()"
        self.popen = subprocess.Popen(
            (sys.executable, "-c", program, "serve", "--idle-exit", "0", *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "STATE", "CACHE")},
                "XDG_RUNTIME_DIR": self._runtime.name,
                **(environment or {}),
            },
        )

    def status(self) -> dict[str, Any]:
        """What it says of itself.

        Raises:
            PylotError: it does not answer.
        """
        connection, answer = ask(self.folder, __version__, "status")
        connection.close()
        return answer["status"]

    def wait(self) -> None:
        """Until it listens; TimeoutError where it does not, or ends."""
        out = self.popen.stdout
        if not select.select([out], [], [], HANG_S)[0] or not os.read(out.fileno(), 100):
            raise TimeoutError(f"the shared server does not listen: {self.log()}")

    def log(self) -> str:
        path = log_path(self.folder)
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def end(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(HANG_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen.stdout.close()
        self._runtime.cleanup()


@contextlib.contextmanager
def shared_server(home: Path, *options: str, **others: Any) -> Iterator[SharedServer]:
    """One that answers, for as long as the context lasts."""
    server = SharedServer(home, *options, **others)
    try:
        server.wait()
        yield server
    finally:
        server.end()


class Editor:
    """An editor on the shared server's socket, as its bridge is.

    Attributes:
        received: every byte that came.
        answers: by id, all of them.
        messages: that the user was shown.
        models: how the model is, at each change, where ``initialize`` asked for that.
        is_gone: whether the server has closed the connection.
    """

    def __init__(self, server: SharedServer) -> None:
        self._server = server
        self.received = bytearray()
        self.answers: dict[Any, list[dict[str, Any]]] = {}
        self.messages: list[str] = []
        self.models: asyncio.Queue[str] = asyncio.Queue()
        self.is_gone = False
        self._waiting: dict[Any, asyncio.Future[dict[str, Any]]] = {}
        self._decoder = FrameDecoder()
        self._n = 0
        self._reading: asyncio.Task[None] | None = None

    async def join(self) -> None:
        fields = {"overrides": {}, "environment": _ENVIRONMENT, "pid": os.getpid()}
        self.connection, answer = await asyncio.to_thread(ask, self._server.folder, __version__, "lsp", **fields)
        if not answer["ok"]:
            raise PylotError(str(answer))
        self.connection.setblocking(False)
        self._reading = asyncio.ensure_future(self._read())

    async def initialize(self, *, hears_of_models: bool = False) -> None:
        capabilities = {
            "textDocument": {"inlineCompletion": {}},
            "experimental": {"pylotModel": hears_of_models},
        }
        await self.request("initialize", {"processId": None, "capabilities": capabilities})
        await self.notify("initialized", {})

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # its end is seen where it is read
            await asyncio.get_running_loop().sock_sendall(self.connection, data)

    async def notify(self, method: str, params: Any) -> None:
        await self.send(encoded(method=method, params=params))

    async def request(self, method: str, params: Any) -> dict[str, Any]:
        """The whole answer; TimeoutError and ConnectionError where none comes."""
        self._n += 1
        msg_id = self._n
        answer = self._waiting[msg_id] = asyncio.get_running_loop().create_future()
        await self.send(encoded(id=msg_id, method=method, params=params))
        async with asyncio.timeout(HANG_S):
            return await answer

    async def open(self, text: str, uri: str) -> None:
        await self.notify("textDocument/didOpen", opening(text, uri))

    async def suggestion(self, line: int, character: int, uri: str) -> dict[str, Any]:
        """The whole answer."""
        params = {**place(line, character, uri), "context": {"triggerKind": 2}}
        return await self.request("textDocument/inlineCompletion", params)

    def kill(self) -> None:
        """Be gone as who is killed is: nothing is said any more."""
        if self._reading is not None:
            self._reading.cancel()
        self.connection.close()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(self.connection, 65536):
                self.received += data
                for event in self._decoder.feed(data):
                    if isinstance(event, Frame):
                        self._take(event.value)
        self.is_gone = True
        for each in self._waiting.values():
            each.set_exception(ConnectionResetError("the server closed the connection"))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if "id" in message:  # configuration and progress: nothing to say
                result = [None] if message["method"] == "workspace/configuration" else None
                self._answering = asyncio.ensure_future(self.send(encoded(id=message["id"], result=result)))
            elif message["method"] == "window/showMessage":
                self.messages.append(message["params"]["message"])
            elif message["method"] == MODEL_METHOD:
                self.models.put_nowait(message["params"]["state"])
            return
        self.answers.setdefault(message["id"], []).append(message)
        if (waiting := self._waiting.pop(message["id"], None)) is not None:
            waiting.set_result(message)


def shown(answer: dict[str, Any]) -> str:
    """The text that an answer has an editor show; "" for none."""
    items = (answer.get("result") or {}).get("items") or []
    return str(items[0]["insertText"]) if items else ""
