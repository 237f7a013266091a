"""``pylot-ls setup``: says what it does, does it when told to, undoes it, and leaves alone what is the user's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pylot_ls.bundled import editors_dir
from pylot_ls.cli.app import app
from pylot_ls.cli.setup import server_command
from pylot_ls.editors import emacs, helix, neovim, vscode
from pylot_ls.editors.steps import Block, OwnFolder
from pylot_ls.errors import SetupError
from pylot_ls.lsp.handlers.pausing import PAUSE_COMMAND

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders are set by XDG's variables here")


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A user with nothing, and with no editor on the PATH."""
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("NVIM_APPNAME", raising=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["setup", *arguments])


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("editor", ["neovim", "helix", "emacs"])
def test_a_dry_run_says_what_would_be_done_and_does_nothing(home, editor):
    done = run(editor, "--dry-run")
    assert done.exit_code == 0
    assert str(home) in done.stdout
    assert "nothing was done" in done.stdout
    assert files_below(home) == set()


@pytest.mark.parametrize("editor", ["neovim", "helix", "emacs"])
def test_what_was_put_in_is_taken_out_without_a_trace(home, editor):
    assert run(editor, "--yes").exit_code == 0
    assert files_below(home)
    done = run(editor, "--remove", "--yes")
    assert done.exit_code == 0, done.stderr
    assert files_below(home) == set()
    assert "nothing to remove" in run(editor, "--remove", "--yes").stdout


@pytest.mark.parametrize("editor", ["neovim", "helix", "emacs"])
def test_done_twice_it_is_as_done_once(home, editor):
    run(editor, "--yes")
    once = {name: (home / name).read_bytes() for name in files_below(home)}
    assert run(editor, "--yes").exit_code == 0
    assert {name: (home / name).read_bytes() for name in files_below(home)} == once


def test_where_nobody_can_be_asked_it_wants_to_be_told(home):
    done = run("neovim")
    assert done.exit_code == 1
    assert "--yes" in done.stderr
    assert files_below(home) == set()


def test_neovim_gets_a_package_that_starts_this_very_installation(home):
    run("neovim", "--yes")
    folder = home / "data" / "nvim" / "site" / "pack" / "pylot-ls" / "start" / "pylot-ls"
    assert {"lsp/pylot.lua", "plugin/pylot.lua", "lua/pylot/init.lua", "doc/pylot.txt"} <= files_below(folder)
    program = server_command()
    assert json.dumps(program[0]) in (folder / "lua" / "pylot" / "installed.lua").read_text("utf-8")
    done = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pylot-ls ")


def test_neovims_other_configurations_are_found_by_their_name(home, monkeypatch):
    monkeypatch.setenv("NVIM_APPNAME", "nvim-test")
    run("neovim", "--yes")
    assert (home / "data" / "nvim-test" / "site").is_dir()


def test_a_folder_of_the_users_is_left_alone(home):
    theirs = home / "data" / "nvim" / "site" / "pack" / "pylot-ls" / "start" / "pylot-ls" / "mine.lua"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine", encoding="utf-8")
    done = run("neovim", "--yes")
    assert done.exit_code == 1
    assert "is there already" in done.stderr
    assert files_below(theirs.parent) == {"mine.lua"}


def test_a_file_of_the_users_in_our_folder_outlives_the_removal(home):
    run("neovim", "--yes")
    theirs = home / "data" / "nvim" / "site" / "pack" / "pylot-ls" / "start" / "pylot-ls" / "lua" / "mine.lua"
    theirs.write_text("mine", encoding="utf-8")
    run("neovim", "--remove", "--yes")
    assert files_below(home) == {theirs.relative_to(home).as_posix()}


def test_a_newer_version_takes_away_files_that_it_has_no_more(tmp_path):
    OwnFolder(tmp_path / "ours", {"a": b"1", "b/c": b"2"}).do()
    OwnFolder(tmp_path / "ours", {"a": b"3"}).do()
    assert files_below(tmp_path / "ours") == {"a", ".pylot-ls-setup"}
    assert (tmp_path / "ours" / "a").read_bytes() == b"3"
    assert not (tmp_path / "ours" / "b").exists()


@given(st.text(alphabet="ab;#\n\r ", max_size=30), st.text(alphabet="xy\n", max_size=10))
def test_the_users_own_text_is_the_same_after_the_removal(tmp_path_factory, theirs, ours):
    path = tmp_path_factory.mktemp("home") / "init"
    if theirs:
        path.write_bytes(theirs.encode())
    block = Block(path, ours + "\n", "#")
    block.do()
    whole = path.read_bytes().decode()
    assert whole.startswith(theirs)
    assert ours in whole
    block.do()
    block.undo()
    left = path.read_bytes().decode() if path.exists() else ""
    # A line that had no end gets one.
    assert left in {theirs, theirs + "\n"}


def test_lines_that_the_user_adds_below_stay(tmp_path):
    path = tmp_path / "init"
    path.write_text("before\n", encoding="utf-8")
    block = Block(path, "ours\n", "#")
    block.do()
    path.write_text(path.read_text("utf-8") + "after\n", encoding="utf-8")
    block.do()
    assert "ours" in path.read_text("utf-8")
    block.undo()
    assert path.read_text("utf-8") == "before\nafter\n"


def test_a_link_into_a_folder_of_dotfiles_stays_a_link(tmp_path):
    real, link = tmp_path / "dotfiles", tmp_path / "init"
    real.write_text("mine\n", encoding="utf-8")
    link.symlink_to(real)
    Block(link, "ours\n", "#").do()
    assert link.is_symlink()
    assert real.read_text("utf-8").startswith("mine\n")


def test_half_a_block_is_left_to_the_user(tmp_path):
    path = tmp_path / "init"
    block = Block(path, "ours\n", "#")
    block.do()
    broken = path.read_text("utf-8").replace("<<< pylot-ls setup <<<", "")
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(SetupError, match="mend it by hand"):
        block.do()
    assert path.read_text("utf-8") == broken


def test_helix_is_told_of_the_server_and_keeps_its_others(home):
    done = run("helix", "--yes", "--language", "python", "--language", "go")
    assert done.exit_code == 0, done.stderr
    written = tomllib.loads((home / "config" / "helix" / "languages.toml").read_text("utf-8"))
    assert written["language-server"]["pylot"]["command"] == server_command()[0]
    assert [each["name"] for each in written["language"]] == ["python", "go"]


@pytest.mark.parametrize(
    ("theirs", "problem"),
    [
        ('[[language]]\nname = "python"\n', "has a [[language]] for python of yours"),
        ('[language-server.pylot]\ncommand = "mine"\n', "names a language server pylot already"),
        ("[language\n", "is no TOML as it is"),
    ],
)
def test_what_the_user_has_set_in_helix_stays_and_is_named(home, theirs, problem):
    path = home / "config" / "helix" / "languages.toml"
    path.parent.mkdir(parents=True)
    path.write_text(theirs, encoding="utf-8")
    done = run("helix", "--yes")
    assert done.exit_code == 1
    assert problem in done.stderr
    assert path.read_text("utf-8") == theirs


HEALTH = """Configured language servers:
  \x1b[0;31m✘\x1b[m ty: \x1b[0;31m'ty' not found in $PATH\x1b[m
  \x1b[0;32m✓\x1b[m pylsp: \x1b[0;32m/usr/bin/pylsp\x1b[m
  \x1b[0;32m✓\x1b[m pylot: \x1b[0;32m/usr/bin/pylot-ls\x1b[m
Configured debug adapter:\x1b[0;33m None\x1b[m
"""


@pytest.mark.parametrize(
    ("report", "servers"),
    [(HEALTH, ["ty", "pylsp"]), ("Configured language servers: None\nConfigured debug adapter: None\n", []), ("", [])],
)
def test_helixs_own_servers_are_read_from_its_report(report, servers):
    assert helix.read_health(report) == servers


def test_a_helix_that_cannot_be_asked_has_no_servers(tmp_path):
    assert helix.servers_of(str(tmp_path / "hx"), "python") == []


@pytest.mark.parametrize("editor", ["neovim", "helix", "emacs"])
def test_an_editor_joins_the_shared_server_where_that_is_wanted(home, editor):
    def has_flag():
        texts = (path.read_text("utf-8") for path in home.rglob("*") if path.is_file())
        return any('"--shared"' in text for text in texts)

    run(editor, "--yes")
    assert not has_flag()
    run(editor, "--yes", "--shared")
    assert has_flag()
    run(editor, "--remove", "--yes")
    assert files_below(home) == set()


def test_in_vs_code_the_shared_server_is_a_setting(home):
    done = run("vscode", "--shared", "--dry-run")
    assert done.exit_code == 1
    assert "pylot-ls.shared" in done.stderr


def test_languages_are_for_helix_alone(home):
    done = run("neovim", "--yes", "--language", "python")
    assert done.exit_code == 1
    assert "--language is for Helix" in done.stderr


@pytest.mark.parametrize(
    ("there", "init"),
    [
        ([], ".emacs.d/init.el"),
        ([".emacs"], ".emacs"),
        ([".emacs.el", ".emacs"], ".emacs.el"),
        ([".emacs.d/init.el", "config/emacs/init.el"], ".emacs.d/init.el"),
        (["config/emacs/early-init.el"], "config/emacs/init.el"),
    ],
)
def test_the_init_file_is_the_one_that_emacs_loads(tmp_path, there, init):
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert emacs.init_file(tmp_path, tmp_path / "config" / "emacs") == tmp_path / init


def test_where_it_stops_half_way_it_says_so(home):
    init = home / ".emacs"
    init.write_bytes(b"\xff")
    done = run("emacs", "--yes")
    assert done.exit_code == 1
    assert ".emacs cannot be read or written" in done.stderr
    assert init.read_bytes() == b"\xff"


def test_an_incomplete_installation_is_named(tmp_path):
    with pytest.raises(SetupError, match="Reinstall"):
        neovim.plan(tmp_path, tmp_path, ["pylot-ls"])
    with pytest.raises(SetupError, match="Reinstall"):
        emacs.plan(tmp_path, tmp_path, tmp_path / "init.el", ["pylot-ls"])


def test_without_a_package_of_the_extension_it_says_how_there_is_one(tmp_path):
    with pytest.raises(SetupError, match="how it is built"):
        vscode.plan(tmp_path)


@pytest.fixture
def extension(tmp_path):
    """An extension's folder with its package."""
    (tmp_path / "vscode").mkdir()
    (tmp_path / "vscode" / "pylot-1.0.0.vsix").touch()
    (tmp_path / "vscode" / "package.json").write_text('{"publisher": "us", "name": "pylot"}', encoding="utf-8")
    return tmp_path / "vscode"


def test_without_vs_codes_command_it_says_where_the_package_is(home, extension):
    with pytest.raises(SetupError, match=r"pylot-1\.0\.0\.vsix"):
        vscode.plan(extension)


def test_vs_code_installs_the_package_and_removes_the_extension(home, extension):
    program, calls = home / "bin" / "code", home / "calls"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n', encoding="utf-8")
    program.chmod(0o755)
    (step,) = vscode.plan(extension).steps
    step.do()
    step.undo()
    assert calls.read_text("utf-8").splitlines() == [
        f"--install-extension {extension / 'pylot-1.0.0.vsix'}",
        "--uninstall-extension us.pylot",
    ]


def test_what_vs_code_says_when_it_fails_reaches_the_user(home, extension):
    program = home / "bin" / "code"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'it is too old' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    (step,) = vscode.plan(extension).steps
    with pytest.raises(SetupError, match="it is too old"):
        step.do()


def test_the_page_for_helix_shows_what_setup_writes(home):
    run("helix", "--yes")
    written = tomllib.loads((home / "config" / "helix" / "languages.toml").read_text("utf-8"))
    page = (editors_dir() / "helix" / "README.md").read_text("utf-8")
    by_hand, keys = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL))
    assert by_hand["language-server"].keys() == written["language-server"].keys()
    assert [each.keys() for each in by_hand["language"]] == [each.keys() for each in written["language"]]
    assert keys["keys"]["normal"]["space"]["l"]["p"] == f":lsp-workspace-command {PAUSE_COMMAND}"
