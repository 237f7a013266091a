"""The extension's package.json says what the server takes, and what the code does."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from pylot_ls.lsp.server import PylotServer

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
PACKAGE: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))


def mirror() -> Any:
    spec = importlib.util.spec_from_file_location("mirror_settings", EXTENSION / "scripts" / "mirror_settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_page_shows_the_servers_settings_as_they_are():
    script = mirror()
    shown, wanted = script.properties(PACKAGE), json.loads(json.dumps(script.mirrored()))
    assert shown == wanted, "run editors/vscode/scripts/mirror_settings.py"


def test_a_setting_that_a_folder_must_not_choose_is_not_on_the_page():
    assert not [name for name in mirror().properties(PACKAGE) if name.startswith(("pylot-ls.model", "pylot-ls.log"))]


def test_the_program_that_is_started_is_the_users_choice_alone():
    (own,) = (each for each in PACKAGE["contributes"]["configuration"] if each["title"] == "The server")
    assert own["properties"]["pylot-ls.serverPath"]["scope"] == "machine"
    trust = PACKAGE["capabilities"]["untrustedWorkspaces"]
    assert (trust["supported"], trust["restrictedConfigurations"]) == ("limited", ["pylot-ls.serverPath"])


def test_each_command_that_is_offered_is_one_that_the_code_registers():
    code = (EXTENSION / "src" / "extension.ts").read_text(encoding="utf-8")
    table = code.split("const offered", 1)[1].split("};", 1)[0]
    registered = {f"pylot-ls.{name}" for name in re.findall(r"^ {4}(\w+)[:,]", table, flags=re.MULTILINE)}
    offered = {command["command"] for command in PACKAGE["contributes"]["commands"]}
    bound = {binding["command"] for binding in PACKAGE["contributes"]["keybindings"]}
    linked = set(re.findall(r"\(command:(pylot-ls\.\w+)", json.dumps(PACKAGE)))
    called = set(re.findall(r'command: "(pylot-ls\.\w+)"', (EXTENSION / "src" / "menu.ts").read_text(encoding="utf-8")))
    assert offered == registered
    assert bound | linked | called <= registered


def test_no_command_is_one_of_the_servers_which_the_client_registers_too():
    of_the_server = set(PylotServer({}).protocol.fm.commands)
    assert "pylot-ls.switchModel" in of_the_server
    assert of_the_server.isdisjoint(command["command"] for command in PACKAGE["contributes"]["commands"])
