"""A user's folder of his own, the shared server in it, and editors that join it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio
from asking import ask_shared
from lsp_process import TIMEOUT_S, EditorProcess, message
from typer.testing import CliRunner

from pylot_ls import __version__
from pylot_ls.cli.app import app
from pylot_ls.config.settings import ModelSettings, Settings
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_pool import SharedModels
from pylot_ls.lsp.framing import FrameDecoder
from pylot_ls.serving.daemon import Daemon
from pylot_ls.serving.place import ask

PYLOT_LS = (sys.executable, "-m", "pylot_ls")


class User:
    """Runs commands and editors as one user, whose shared server is no other's."""

    def __init__(self, home):
        self.runtime = home / "run"
        self.runtime.mkdir(mode=0o700)
        self.folder = self.runtime / "pylot-ls"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYLOT_LS_")},
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            # However slow the machine is.
            "PYLOT_LS_COMPLETION_ANSWER_AFTER_MS": "0",
            "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0",
            "PYLOT_LS_COMPLETION_CONFIDENCE": "0",
        }
        self._editors = []

    def editor(self, *options):
        self._editors.append(EditorProcess((*PYLOT_LS, "--shared", *options), self.environment))
        return self._editors[-1]

    def run(self, *arguments):
        """A command's exit code and what it printed."""
        done = subprocess.run(
            [*PYLOT_LS, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stdout + done.stderr

    def run_inside(self, *arguments):
        """As ``run``, but in this process, which takes a hundredth of the time."""
        done = CliRunner().invoke(app, arguments, env=self.environment)
        return done.exit_code, done.output

    def status(self):
        return ask_shared("--status", self.environment)

    def end(self):
        for editor in self._editors:
            editor.end()
        ask_shared("--stop", self.environment)


@pytest.fixture
def home():
    """A folder whose sockets have short names."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def user(home):
    user = User(home)
    yield user
    user.end()


@pytest_asyncio.fixture
async def serve(home):
    """Run a shared server in this process; it listens when this returns."""
    folder = home / "pylot-ls"
    running = []

    async def start(backend=None, idle_exit_s=0.0, settings=None, http=None, models=None):
        backend = backend or ScriptedBackend("answered")
        models = models or SharedModels({Role.COMPLETE: backend, Role.CHAT: backend})
        settings = settings or Settings(model=ModelSettings(backend="scripted"))
        daemon = Daemon(folder, settings, models, idle_exit_s=idle_exit_s, http=http)
        task = asyncio.ensure_future(daemon.run())
        running.append((daemon, task))
        listens = asyncio.ensure_future(daemon.listens.wait())
        await asyncio.wait({listens, task}, return_when=asyncio.FIRST_COMPLETED)
        listens.cancel()
        if task.done():
            running.pop()
            await task
        daemon.task = task
        daemon.folder = folder
        return daemon

    yield start
    for daemon, task in running:
        daemon.stop("the test is over")
        with contextlib.suppress(Exception):
            await task


@pytest.fixture
def asked():
    """Ask a shared server in this process: the connection and the answer."""
    connections = []

    async def ask_it(folder, command, version=__version__, **fields):
        connection, answer = await asyncio.to_thread(ask, folder, version, command, **fields)
        connections.append(connection)
        return connection, answer

    yield ask_it
    for each in connections:
        each.close()


class Editor:
    """A client of the server over its socket, with every byte that came."""

    def __init__(self, connection):
        self.connection = connection
        self.received = b""
        self._decoder, self._messages = FrameDecoder(), []

    async def ask(self, msg_id, method, params):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.connection, message(id=msg_id, method=method, params=params))
        while True:
            for each in self._messages:
                if each.get("id") == msg_id and "method" not in each:
                    return each
            data = await loop.sock_recv(self.connection, 65536)
            assert data, "the server closed the connection"
            self.received += data
            self._messages += [event.value for event in self._decoder.feed(data)]

    async def suggestion(self, text, language="plaintext", uri="file:///a.py"):
        """What is suggested at the end of a text, which has no line feed there."""
        loop = asyncio.get_running_loop()
        await self.ask("init", "initialize", {"capabilities": {"textDocument": {"inlineCompletion": {}}}})
        item = {"uri": uri, "languageId": language, "version": 1, "text": text + "\n"}
        await loop.sock_sendall(self.connection, message(method="textDocument/didOpen", params={"textDocument": item}))
        position = {"line": text.count("\n"), "character": len(text) - text.rfind("\n") - 1}
        params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}}
        answer = await self.ask("ask", "textDocument/inlineCompletion", params)
        items = answer["result"]["items"]
        return items[0]["insertText"] if items else None


@pytest.fixture
def join(asked):
    async def make(daemon, **fields):
        environment = {
            f"PYLOT_LS_COMPLETION_{name}": "0" for name in ("ANSWER_AFTER_MS", "TIME_BUDGET_MS", "CONFIDENCE")
        }
        environment["PYLOT_LS_MODEL_BACKEND"] = "scripted"
        connection, answer = await asked(daemon.folder, "lsp", environment=environment, **fields)
        assert answer["ok"], answer
        connection.setblocking(False)
        return Editor(connection), answer["client"]

    return make
