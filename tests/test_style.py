"""Architecture and style are facts like any other: one ``pytest`` shows them all."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import pylot_ls

ROOT = Path(__file__).resolve().parent.parent

# A file that has grown past this has a second reason to change in it.
LONGEST_FILE_LINES = 400


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("ruff", "check", "."), id="ruff"),
        pytest.param(("ruff", "format", "--check", "."), id="format"),
        pytest.param(("mypy",), id="mypy"),
    ],
)
def test_the_code_passes(command):
    code, output = run(sys.executable, "-m", *command)
    assert code == 0, output


def test_imports_point_down_and_each_dependency_has_one_door():
    script = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    code, output = run(sys.executable, "-c", script)
    assert code == 0, output
    assert "0 broken" in output


@pytest.mark.parametrize("folder", ["pylot_ls", "models", "tests"])
def test_files_stay_small(folder):
    long = {
        str(path.relative_to(ROOT)): n_lines
        for path in (ROOT / folder).rglob("*.py")
        if (n_lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST_FILE_LINES
    }
    assert not long


def test_the_version_is_written_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extension = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text(encoding="utf-8"))
    assert project["version"] == extension["version"] == pylot_ls.__version__


def test_the_top_level_holds_only_what_belongs_there():
    listed = subprocess.run(("git", "ls-files"), cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    top = {name.split("/", 1)[0] for name in listed.stdout.splitlines()}
    allowed = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "uv.lock"}
    folders = {"pylot_ls", "tests", "editors", "models"}
    assert {name for name in top if not name.startswith(".")} <= allowed | folders
