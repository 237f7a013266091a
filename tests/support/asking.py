"""The shared server is asked as ``pylot-ls serve --status`` and ``--stop`` ask it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from pylot_ls.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Mapping


def ask_shared(option: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the command prints, which is nothing where it fails.

    In this process, since importing takes longer than asking.
    """
    done = CliRunner().invoke(app, ["serve", option, "--json"], env=environment)
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return found
