"""A real VS Code whose language is Russian shows the extension, its commands and the server's messages in Russian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .test_vscode import SCRIPTED, StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .vscode import VSCode

pytestmark = pytest.mark.editor


@pytest.fixture
def in_russian(vscode: VSCode) -> Iterator[VSCode]:
    vscode.speak("ru")
    yield vscode
    vscode.speak("en")


def test_it_speaks_russian_where_vs_code_does(in_russian: VSCode, tmp_path: Path) -> None:
    server = StandIn(tmp_path / "server", SCRIPTED)
    file = tmp_path / "russian.py"
    file.write_text("", encoding="utf-8")
    in_russian.configure({"pylot-ls.serverPath": str(server.path)})
    in_russian.open(file)
    in_russian.expect_status("готов")
    assert server.asked("initialize")[-1]["locale"] == "ru"
    in_russian.choose("Приостановить для python")
    in_russian.expect_status("пауза для этого языка")
    in_russian.press("F1")
    in_russian.type("pylot-ls: ")
    in_russian.wait_for("the commands", lambda seen: any("Объяснить выделенное" in each for each in seen.entries))
    in_russian.keep("commands")
    in_russian.press("Escape")
    in_russian.configure({"pylot-ls.serverPath": str(tmp_path / "none")})
    screen = in_russian.wait_for("why", lambda seen: seen.notifications)
    in_russian.keep("no server")
    assert screen.notifications == [
        f"Нет программы {tmp_path / 'none'}. Исправьте настройку pylot-ls.serverPath или очистите её."
    ]
