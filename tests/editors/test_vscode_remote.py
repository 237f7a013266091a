"""A real VS Code reaches a server that runs elsewhere by a WebSocket, and reaches it again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import ask_shared

from .relay import Relay
from .test_neovim import PYLOT_LS
from .test_vscode import SCRIPTED, StandIn
from .vscode import GhostTextError

if TYPE_CHECKING:
    from .vscode import VSCode

pytestmark = [
    pytest.mark.editor,
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script of the shell"),
]


@pytest.fixture
def server(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path / "server", SCRIPTED)


def type_and_expect(vscode: VSCode) -> None:
    vscode.clear()
    vscode.type("x = ")
    vscode.expect_ghost_text("scripted_suggestion")


def opened(vscode: VSCode, tmp_path: Path, url: str, key: str = "") -> VSCode:
    file = tmp_path / "elsewhere.py"
    file.write_text("", encoding="utf-8")
    vscode.configure({"pylot-ls.serverUrl": url, "pylot-ls.serverKey": key})
    vscode.open(file)
    return vscode


def test_pylot_ls_serve_is_reached_with_the_users_own_key(vscode: VSCode, tmp_path: Path) -> None:
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    with ExitStack() as stack:
        runtime = stack.enter_context(tempfile.TemporaryDirectory(prefix="pylot-"))  # a socket's path must be short
        environment = {**os.environ, **folders, "XDG_RUNTIME_DIR": runtime}
        serve = [*PYLOT_LS, "serve"]

        def status() -> str:
            return str(ask_shared("--status", environment).get("url") or "")

        server = stack.enter_context(subprocess.Popen([*serve, "--scripted", "--port", "0"], env=environment))
        stack.callback(server.terminate)
        url = vscode.wait_until("the server", status).replace("http://", "ws://")
        key = (Path(folders["XDG_STATE_HOME"]) / "pylot-ls" / "api-key").read_text(encoding="utf-8")
        opened(vscode, tmp_path, f"{url}/lsp", key)
        vscode.expect_status("ready")
        type_and_expect(vscode)
        vscode.keep("suggested by pylot-ls serve")
        vscode.choose("Pause everywhere")
        vscode.expect_status("paused")


def test_a_server_elsewhere_is_reached_with_its_key_and_again_when_the_connection_is_lost(
    vscode: VSCode, tmp_path: Path, server: StandIn
) -> None:
    with Relay([str(server.path)], key="secret") as relay:
        opened(vscode, tmp_path, relay.url, "wrong")
        vscode.expect_status("failed")
        screen = vscode.wait_for("why", lambda seen: seen.notifications)
        vscode.keep("another key")
        assert screen.notifications == [
            f"The server at {relay.url} takes another key. Correct the setting pylot-ls.serverKey."
        ]
        vscode.configure({"pylot-ls.serverUrl": relay.url, "pylot-ls.serverKey": "secret"})
        vscode.wait_for("it to be reached", lambda seen: "ready" in seen.status)
        type_and_expect(vscode)
        vscode.keep("suggested from elsewhere")
        assert server.asked("initialize")[-1]["processId"] is None
        server.expect_another(vscode, relay.drop)
        vscode.expect_status("ready")
        type_and_expect(vscode)


def test_where_nothing_answers_that_is_said_once_and_it_is_reached_as_soon_as_it_is_there(
    vscode: VSCode, tmp_path: Path, server: StandIn
) -> None:
    relay = Relay([str(server.path)])
    with relay:  # to have a port at which nobody else listens
        url = relay.url
    opened(vscode, tmp_path, url)
    (message,) = vscode.wait_for("why", lambda seen: seen.notifications).notifications
    vscode.keep("nothing answers")
    assert message.startswith(f"No pylot-ls answers at {url} (")
    vscode.clear()  # which puts the message away
    vscode.type("x = ")
    with pytest.raises(GhostTextError, match="server is not running"):
        vscode.expect_ghost_text("scripted_suggestion")
    with relay:
        screen = vscode.wait_for("it to be reached", lambda seen: "ready" in seen.status)
        assert screen.notifications == []
        type_and_expect(vscode)
    vscode.wait_for("it to be told anew", lambda seen: seen.notifications == [message])
    vscode.keep("lost")


def test_what_is_no_address_is_said(vscode: VSCode, tmp_path: Path) -> None:
    opened(vscode, tmp_path, "http://127.0.0.1/lsp")
    screen = vscode.wait_for("why", lambda seen: seen.notifications)
    assert screen.notifications[0].startswith("http://127.0.0.1/lsp is no address of a server")
