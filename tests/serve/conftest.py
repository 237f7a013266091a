"""A user's folder of his own, the shared server in it, and editors that join it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio
from lsp_process import TIMEOUT_S, EditorProcess

from pylot_ls import __version__
from pylot_ls.config.settings import ModelSettings, Settings
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_pool import SharedModels
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

    def status(self):
        return json.loads(self.run("serve", "--status", "--json")[1])

    def end(self):
        for editor in self._editors:
            editor.end()
        self.run("serve", "--stop")


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

    async def start(backend=None, idle_exit_s=0.0, settings=None, http=None):
        backend = backend or ScriptedBackend("answered")
        models = SharedModels({Role.COMPLETE: backend, Role.CHAT: backend})
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
