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


# What is said to the user in the code: `l10n.t("…"`, over one line or two.
SAID = re.compile(r"""l10n\.t\(\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")
# Each of these shows its first argument, or what it is given as `title` and the like.
SHOWN_PLAINLY = re.compile(
    r"""(?:show\w+Message|Error)\(\s*["'`](?!HTTP )"""
    r"""|(?:title|prompt|placeHolder|detail|words|more|advice): ["'`](?!pylot-ls")"""
)


def texts(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((EXTENSION / name).read_text(encoding="utf-8"))
    return found


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
    assert texts("package.nls.json").items() >= script.descriptions().items()


def test_a_setting_that_a_folder_must_not_choose_is_not_on_the_page():
    assert not [name for name in mirror().properties(PACKAGE) if name.startswith(("pylot-ls.model", "pylot-ls.log"))]


def test_the_server_that_is_started_or_reached_is_the_users_choice_alone():
    own, _ = PACKAGE["contributes"]["configuration"]
    assert {each["scope"] for each in own["properties"].values()} == {"machine"}
    trust = PACKAGE["capabilities"]["untrustedWorkspaces"]
    assert (trust["supported"], trust["restrictedConfigurations"]) == ("limited", list(own["properties"]))


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


def test_both_languages_have_each_text_of_the_manifest_and_no_other():
    named = set(re.findall(r"%([\w.]+)%", json.dumps(PACKAGE)))
    assert set(texts("package.nls.json")) == set(texts("package.nls.ru.json")) == named
    for name in ("package.nls.json", "package.nls.ru.json"):
        media = [text for key, text in texts(name).items() if key.endswith(".media")]
        assert all((EXTENSION / each).is_file() for each in media)


def test_all_that_the_code_says_is_there_in_russian_with_the_same_placeholders():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (EXTENSION / "src").glob("*.ts"))
    said = {double or single for double, single in SAID.findall(code)}
    assert len(SAID.findall(code)) == code.count("l10n.t(")
    russian = texts("l10n/bundle.l10n.ru.json")
    assert set(russian) == said
    assert all(set(re.findall(r"{\d}", text)) == set(re.findall(r"{\d}", russian[text])) for text in said)
    assert SHOWN_PLAINLY.findall(code) == []
