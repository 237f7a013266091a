"""The shared server as a benchmark runs it: in a folder of its own, for several editors and for HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pylot_ls.errors import ClientError

if TYPE_CHECKING:
    from pylot_ls.bench.run import Run

_START_TIMEOUT_S = 120.0
_POLL_INTERVAL_S = 0.2
_CLOSE_TIMEOUT_S = 20.0
_STDIO = "--stdio"


class SharedServer:
    """``pylot-ls serve`` with HTTP on a free port, without keys, beside one that the user may have.

    Args:
        run: how to run the model.

    Attributes:
        port: of HTTP, on the loopback interface; 0 before it is started.
        environment: with which its editors are started.
    """

    def __init__(self, run: Run) -> None:
        # Short, since a socket's path may have some hundred bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="pylot-ls-")
        self._command = [part for part in run.command if part != _STDIO]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {**run.environment(), "XDG_RUNTIME_DIR": self._folder.name, "TMPDIR": self._folder.name}
        self.port = 0

    @property
    def editor_command(self) -> tuple[str, ...]:
        """Starts an editor's server that is this one."""
        return (*self._command, "--shared")

    async def __aenter__(self) -> Self:
        """Start it and wait until it listens.

        Raises:
            ClientError: it ended, or does not get ready.
        """
        try:
            await asyncio.to_thread(self._start)
        except BaseException:
            await asyncio.to_thread(self._end)
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """End it."""
        await asyncio.to_thread(self._end)

    def _serve(self, *options: str) -> list[str]:
        # Options of the command line stand behind its name: python -m pylot_ls, and what is to be served.
        n_program = self._command.index("pylot_ls") + 1
        return [*self._command[:n_program], "serve", *options]

    def _start(self) -> None:
        environment = {**os.environ, **self.environment}
        options = self._command[self._command.index("pylot_ls") + 1 :]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            self._serve("--port", "0", "--no-keys", "--idle-exit", "0", *options),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._log.seek(0)
                said = self._log.read().decode("utf-8", errors="replace").strip()
                raise ClientError(f"the shared server ended before it was ready: {said or 'no reason given'}")
            asked = subprocess.run(  # noqa: S603 - as above
                self._serve("--status", "--json"), capture_output=True, check=False, env=environment
            )
            url = json.loads(asked.stdout).get("url") if asked.stdout else None
            if url:
                self.port = urlsplit(url).port or 0
                return
            time.sleep(_POLL_INTERVAL_S)
        raise ClientError(f"the shared server was not ready after {_START_TIMEOUT_S:.0f} s")

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_CLOSE_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        self._folder.cleanup()
