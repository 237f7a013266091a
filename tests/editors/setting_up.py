"""The documented first step of every editor: ``pylot-ls setup``."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def run_setup(editor: str, environment: Mapping[str, str], *options: str) -> str:
    """Connect an editor whose folders the environment names; what was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pylot_ls", "setup", editor, "--yes", *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
