"""A real Helix in a terminal, set up as its page says: keys go in, the screen comes out."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING

import psutil

from .setting_up import run_setup
from .terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Messages of the server are shown, and nothing is waited for that does not come. The keys are those of the page.
CONFIG = """
[editor]
completion-timeout = 5
idle-timeout = 50
[editor.lsp]
display-messages = true
display-progress-messages = true
[keys.normal.space.l]
p = ":lsp-workspace-command pylot.pause"
r = ":lsp-workspace-command pylot.resume"
R = ":lsp-restart pylot"
"""


class Helix(Terminal):
    """A Helix with what ``pylot-ls setup`` writes into its ``languages.toml``.

    Args:
        binary: of Helix.
        home: the user's folder, where another one may run already.
        place: the file that is opened, or ``FILE:LINE``.
        server_command: what stands for ``pylot-ls``.
        screens: the folder for dumps of the screen.
    """

    def __init__(
        self, binary: Path, home: Path, place: str | Path, server_command: Sequence[str], *, screens: Path
    ) -> None:
        folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "STATE", "DATA", "CACHE")}
        languages = home / "config" / "helix" / "languages.toml"
        if not languages.exists():
            run_setup("helix", folders)
            program, *arguments = server_command
            stand_in = f"command = {json.dumps(program)}\nargs = {json.dumps(arguments)}"
            text = re.sub(r"^command = .*$", lambda _found: stand_in, languages.read_text("utf-8"), flags=re.MULTILINE)
            languages.write_text(text, encoding="utf-8")
            languages.with_name("config.toml").write_text(CONFIG, encoding="utf-8")
        super().__init__([binary, place], folders, home, screens)

    def open_menu(self) -> None:
        """Ask for the completion menu, in insert mode."""
        self.expect("INS")
        self.press("C-x")

    def leave_insert_mode(self) -> None:
        """The key is waited for: another behind it would be taken for one with Alt. It closes the menu as well."""
        self.press("Escape")
        self.expect(" NOR ")

    def kill_server(self) -> None:
        """End the server as a lack of memory would."""
        (server,) = psutil.Process(self.pid).children()
        os.kill(server.pid, signal.SIGKILL)
        self.expect("Language server exited")
