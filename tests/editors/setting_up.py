"""The documented first step of every editor: ``pylot-ls setup``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from pylot_ls.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Mapping


def run_setup(editor: str, environment: Mapping[str, str], *options: str) -> str:
    """Connect an editor whose folders the environment names; what was printed.

    In this process, since each test of an editor does it, and importing takes longer than all the rest.
    """
    done = CliRunner().invoke(app, ["setup", editor, "--yes", *options], env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout
