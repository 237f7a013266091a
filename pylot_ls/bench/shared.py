"""The shared server as a benchmark runs it: in a folder of its own, for several editors and for HTTP."""

from __future__ import annotations

import json
import subprocess
import tempfile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pylot_ls.bench.server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.bench.run import Run

_START_TIMEOUT_S = 120.0
_STDIO = "--stdio"
_PACKAGE = "pylot_ls"


class SharedServer(ServerProcess):
    """``pylot-ls serve`` with HTTP on a free port, without keys, beside one that the user may have.

    Args:
        run: how to run the model.

    Attributes:
        port: of HTTP, on the loopback interface; 0 before it is ready.
        environment: with which its editors are started.
    """

    def __init__(self, run: Run) -> None:
        # Short, since a socket's path may have some hundred bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="pylot-ls-")
        self.environment = {**run.environment(), "XDG_RUNTIME_DIR": self._folder.name, "TMPDIR": self._folder.name}
        super().__init__("the shared server", _START_TIMEOUT_S, self.environment)
        command = [part for part in run.command if part != _STDIO]
        # python -m pylot_ls, and what is to be served.
        n_program = command.index(_PACKAGE) + 1
        self._program, self._options = command[:n_program], command[n_program:]
        self.port = 0

    @property
    def editor_command(self) -> tuple[str, ...]:
        """Starts an editor's server that is this one."""
        return (*self._program, *self._options, "--shared")

    def command(self) -> Sequence[str]:
        """See ``ServerProcess``."""
        return [*self._program, "serve", "--port", "0", "--no-keys", "--idle-exit", "0", *self._options]

    def is_ready(self) -> bool:
        """See ``ServerProcess``."""
        asked = subprocess.run(  # noqa: S603 - our own program
            [*self._program, "serve", "--status", "--json"], capture_output=True, check=False, env=self._environment
        )
        url = json.loads(asked.stdout).get("url") if asked.stdout else None
        self.port = urlsplit(url).port or 0 if url else 0
        return self.port > 0

    def _end(self) -> None:
        super()._end()
        self._folder.cleanup()
