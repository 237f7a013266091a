"""Commands run as a user runs them, without the settings of this machine's user."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pylot_ls import trace
from pylot_ls.cli.app import app


@pytest.fixture
def environment(tmp_path):
    """The environment of a user who has set nothing and has no files."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYLOT_LS_")},
        "XDG_CONFIG_HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "XDG_STATE_HOME": str(home),
        "COLUMNS": "200",
    }


@pytest.fixture
def pylot(tmp_path, environment):
    """Run ``pylot-ls`` with arguments; the finished process with its output as text."""

    def run(*arguments, text_input=None, **variables):
        return subprocess.run(
            (sys.executable, "-m", "pylot_ls", *map(str, arguments)),
            input=text_input,
            capture_output=True,
            encoding="utf-8",
            env={**environment, **variables},
            cwd=tmp_path,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def pylot_inside(tmp_path, environment, monkeypatch):
    """As ``pylot``, but in this process, which takes a hundredth of the time."""
    # The log goes where the tests have it.
    monkeypatch.setattr(trace, "configure", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PYLOT_LS_")]:
        monkeypatch.delenv(name)

    def run(*arguments, **variables):
        result = CliRunner().invoke(app, [*map(str, arguments)], env={**environment, **variables})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)

    return run
