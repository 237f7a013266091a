"""Commands run as a user runs them, without the settings of this machine's user."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.fixture
def pylot(tmp_path):
    """Run ``pylot-ls`` with arguments; the finished process with its output as text."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYLOT_LS_")},
        "XDG_CONFIG_HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "COLUMNS": "200",
    }

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
