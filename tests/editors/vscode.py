"""A real VS Code, served by code-server to a real browser: keys go in, what is on the screen comes out."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
BROWSER = HERE / "browser.cjs"
WAIT_S = 60.0
SERVES = re.compile(r"HTTP server listening on http://([\d.:]+)/")
# What is waited for may show nothing on the screen: it is asked for as often as this at least.
MOST_MS = 300
# After so many looks without a list of code actions it is asked for again.
LOOKS_FOR_LIST = 20

# A user's VS Code as it comes, but for what would stand over the text, or use the network.
CLEAN_SETTINGS = {
    "workbench.startupEditor": "none",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "chat.disableAIFeatures": True,
    "remote.autoForwardPorts": False,  # else it tells of ports that others on this machine have opened
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.sideBar.location": "right",
}

T = TypeVar("T")


class VSCodeError(AssertionError):
    """VS Code did not come to what was waited for."""


class GhostTextError(VSCodeError):
    """The ghost text did not come, or is not the expected one."""


@dataclass(frozen=True)
class Screen:
    """What a user sees; see ``screen`` in browser.cjs.

    Attributes:
        has_editor: whether a file is open.
        tab: the open file's name.
        lines: of the file, without ghost text.
        rows: of the editor from top to bottom, with ghost text.
        ghost: the lines of the ghost text.
        beside: the lines of the editor beside it.
        status: the text of our item in the status bar, "" where there is none.
        list: the entries of VS Code's own list of completions, while it is open; ``selected`` is the selected one.
        notifications: their messages.
        asks: whether there is a box to write an answer into.
        entries: of the menu that is open.
        hover: the texts of what hovers.
        actions: the code actions that are offered.
        n_problems: how many parts of the file are marked as wrong.
    """

    has_editor: bool
    tab: str
    lines: list[str]
    rows: list[str]
    ghost: list[str]
    beside: list[str]
    status: str
    list: list[str]
    selected: str | None
    notifications: list[str]
    asks: bool
    entries: list[str]
    hover: list[str]
    actions: list[str]
    n_problems: int


class VSCode:
    """code-server with a clean user folder and our packaged extension, and a browser that shows a window of it.

    Args:
        fetched: the folder that fetch_vscode.sh has filled.
        package: the .vsix.
        home: an empty folder; everything that VS Code and the servers store goes there.

    Attributes:
        screens: the folder for pictures.
    """

    def __init__(self, fetched: Path, package: Path, home: Path) -> None:
        self._home = self.screens = home
        # What names a program counts from the settings of the machine that it runs on, beside those of the user.
        self._machine_settings = home / "user" / "Machine" / "settings.json"
        user_settings = home / "user" / "User" / "settings.json"
        for folder in (self._machine_settings.parent, user_settings.parent):
            folder.mkdir(parents=True)
        user_settings.write_text(json.dumps(CLEAN_SETTINGS), encoding="utf-8")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYLOT_LS_", "VSCODE_"))},
            **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
            "NODE_PATH": str(fetched / "node_modules"),
        }
        self._log = home / "code-server.log"
        command = [fetched / "bin" / "code-server", "--user-data-dir", home / "user", "--extensions-dir", home / "ext"]
        self._ends = ExitStack()
        self.configure({})
        self._run([*command, "--install-extension", package])
        self._serves, self._host = threading.Event(), ""
        served = ["--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-workspace-trust"]
        self._start([*command, *served, "--disable-telemetry", "--disable-update-check"])
        self._browser = self._start([fetched / "bin" / "node", BROWSER, fetched / "bin" / "chromium"], is_asked=True)
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _run(self, command: list[Any]) -> None:
        done = subprocess.run(
            list(map(str, command)), env=self._environment, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode != 0:
            raise VSCodeError(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")

    def _start(self, command: list[Any], *, is_asked: bool = False) -> subprocess.Popen[str]:
        log = self._ends.enter_context(self._log.open("a", encoding="utf-8"))
        process = subprocess.Popen(
            list(map(str, command)),
            env=self._environment,
            cwd=self._home,
            stdin=subprocess.PIPE if is_asked else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
        )
        if not is_asked:
            reader = threading.Thread(target=self._read, args=(process, log), daemon=True)
            reader.start()
            self._ends.callback(reader.join)
        self._ends.callback(_end, process)
        return process

    def _read(self, process: subprocess.Popen[str], log: TextIO) -> None:
        """Keep what code-server says, and hear from it where it answers."""
        for line in process.stdout or ():
            log.write(line)
            log.flush()
            found = SERVES.search(line)
            if found is not None:
                self._host = found[1]
                self._serves.set()

    # --- what a user does

    def configure(self, settings: dict[str, Any]) -> None:
        """Write the settings file of the machine, for windows that are opened from now on."""
        self._machine_settings.write_text(json.dumps(settings), encoding="utf-8")

    def speak(self, language: str) -> None:
        """Speak another language in windows that are opened from now on, by a language pack of ours without a text."""
        folder = self._home / "user"
        texts = self._home / "texts.json"
        texts.write_text(json.dumps({"version": "1.0.0", "contents": {}}), encoding="utf-8")
        extension = {"extensionIdentifier": {"id": "pylot-tests.language"}, "version": "1.0.0"}
        pack = {"hash": language, "extensions": [extension], "label": language, "translations": {"vscode": str(texts)}}
        (folder / "languagepacks.json").write_text(json.dumps({language: pack}), encoding="utf-8")
        (folder / "User" / "argv.json").write_text(json.dumps({"locale": language}), encoding="utf-8")

    def bind(self, key: str, command: str) -> None:
        """Give a command a key, as a user's keybindings.json does."""
        bindings = json.dumps([{"key": key, "command": command}])
        (self._home / "user" / "User" / "keybindings.json").write_text(bindings, encoding="utf-8")

    def turn_to(self, window: int) -> None:
        """Bring another window to the front, counted from 0; a new one has to ``open`` a file."""
        self._do("turn_to", window=window)

    def open(self, file: Path) -> Screen:
        """Open a file in this window in place of what it showed, and wait until it is shown."""
        self.wait_until_served()
        payload = json.dumps([["openFile", f"vscode-remote://{self._host}{file}"]])
        self._do("open", url=f"http://{self._host}/?folder={quote(str(file.parent))}&payload={quote(payload)}")
        return self.wait_for("the file", lambda screen: screen.has_editor and screen.tab == file.name)

    def go_to_end_of_line(self, line: int) -> None:
        """Put the cursor behind the last character of a line, counted from 1."""
        self.press("Control+Home", *["ArrowDown"] * (line - 1), "End")

    def clear(self) -> None:
        """Remove all that stands in the file."""
        self.click(".editor-instance .view-lines")
        self.press("Escape", "Control+a", "Delete")
        self.wait_for("an empty file", lambda screen: screen.lines == [""])

    def type(self, text: str) -> None:
        """Type characters."""
        self._do("type", text=text)

    def paste(self, text: str) -> None:
        """Insert a text at once, as it is."""
        self._do("paste", text=text)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, such as ``Control+ArrowRight``."""
        for key in keys:
            self._do("press", keys=key)

    def click(self, selector: str, text: str = "") -> None:
        """Click the first element of a CSS selector that contains a text, as soon as it is there."""
        self._do("click", selector=selector, text=text)

    def choose(self, entry: str) -> None:
        """Click our item in the status bar, and the entry of the menu that contains a text."""
        self.click(".statusbar-item a", "pylot-ls")
        self.wait_for("the menu", lambda screen: any(entry in each for each in screen.entries))
        self.click(".quick-input-list .monaco-list-row", entry)
        self.wait_for("the menu to go", lambda screen: not screen.entries)

    def show(self, file: Path) -> None:
        """Open a file of the folder beside those that are open in this window, and wait until it is shown."""
        self.press("Escape", "Control+p")
        self.paste(str(file))
        self.wait_for("the file's name", lambda screen: screen.entries[:1] == [file.name])
        self.press("Enter")
        self.wait_for("the file", lambda screen: screen.tab == file.name and not screen.entries)

    def act(self, line: int, column: int, title: str) -> None:
        """Choose the code action with a title at a place, counted from 1; ``actions`` is a picture of the list."""
        self.click(".editor-instance .view-lines")
        self.press("Control+Home", *["ArrowDown"] * (line - 1), *["ArrowRight"] * (column - 1))
        looks = itertools.count()

        def is_listed(screen: Screen) -> bool:
            if title in screen.actions:
                return True
            # What makes itself heard when a file is opened may close a list that is there already. The arrows have a
            # list forgotten that is still to come: in one that is there Control+. would choose its first entry.
            if next(looks) % LOOKS_FOR_LIST == 0:
                self.press("Escape", "ArrowRight", "ArrowLeft", "Control+.")
            return False

        self.wait_for(f"the action {title!r}", is_listed)
        self.keep("actions")
        self.click(".action-widget .monaco-list-row.action", title)

    def confirm(self) -> None:
        """Confirm all edits that are shown, and have them made; ``to confirm`` is a picture of them."""
        self.click(".bulk-edit-panel .edit-checkbox")
        self.keep("to confirm")
        self.click(".bulk-edit-panel .monaco-button", "Apply")

    # --- what a user sees

    def screen(self) -> Screen:
        """As it is now."""
        return Screen(**self._do("look"))

    def keep(self, name: str) -> None:
        """Keep the picture as ``name.png`` among the test's screens."""
        self._do("screenshot", path=str(self.screens / f"{name}.png"))

    def expect_status(self, words: str) -> Screen:
        """Wait until our item in the status bar contains some words; a failure that is shown there ends the waiting."""

        def is_there(screen: Screen) -> bool:
            if "failed" in screen.status and "failed" not in words:
                raise self._failure(f"the server failed: {screen.notifications}", GhostTextError)
            return words in screen.status

        return self.wait_for(f"{words!r} in the status bar", is_there)

    def expect_ghost_text(self, expected: str) -> Screen:
        """Wait for ghost text; it must come to be ``expected``.

        Raises:
            GhostTextError: it does not, or there is no server.
        """

        def is_there(screen: Screen) -> bool:
            if "failed" in screen.status:
                raise self._failure("ghost text did not come: the server is not running", GhostTextError)
            return "\n".join(screen.ghost) == expected

        return self.wait_for(f"ghost text {expected!r}", is_there, GhostTextError)

    # --- how it waits

    def wait_for(
        self, what: str, condition: Callable[[Screen], object], kind: type[VSCodeError] = VSCodeError
    ) -> Screen:
        """Look at the screen until a condition holds; that screen."""

        def look() -> Screen | None:
            screen = self.screen()
            return screen if condition(screen) else None

        return self.wait_until(what, look, kind)

    def wait_until(self, what: str, condition: Callable[[], T | None], kind: type[VSCodeError] = VSCodeError) -> T:
        """Ask ``condition`` until it gives something true.

        Raises:
            VSCodeError: it did not in a minute; the note has the screen and the logs.
        """
        deadline = time.monotonic() + WAIT_S
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise self._failure(f"waited {WAIT_S:.0f} s for {what}", kind)
            self._do("wait", milliseconds=MOST_MS)
        return value

    def wait_until_served(self) -> None:
        """Wait until code-server answers."""
        if not self._serves.wait(WAIT_S):
            raise VSCodeError(f"code-server did not start:\n{self._log.read_text(errors='replace')}")

    def _failure(self, message: str, kind: type[VSCodeError]) -> VSCodeError:
        error = kind(message)
        self.keep("failure")
        logs = [path.read_text(errors="replace")[-3000:] for path in self._home.glob("user/logs/**/*pylot-ls*.log")]
        error.add_note(f"--- screen\n{self.screen()}\n--- the extension's logs\n{'---'.join(logs)}")
        return error

    def _do(self, name: str, **parameters: Any) -> Any:
        assert self._browser.stdin is not None
        self._browser.stdin.write(json.dumps({"does": name, **parameters}) + "\n")
        self._browser.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise VSCodeError(f"the browser could not {name} {parameters}: {answer['error']}")
        return answer.get("value")

    def _answer(self) -> dict[str, Any]:
        assert self._browser.stdout is not None
        line = self._browser.stdout.readline()
        if not line:
            raise VSCodeError(f"the browser ended:\n{self._log.read_text(errors='replace')[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _end(process: subprocess.Popen[str]) -> None:
    """Close its input, or ask it to end; kill this one process if it does not."""
    with process:
        if process.stdin is not None:
            process.stdin.close()
        else:
            process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
