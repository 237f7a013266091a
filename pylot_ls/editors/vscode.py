"""VS Code: its own command installs the extension's package."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from pylot_ls.editors.steps import Command, Plan
from pylot_ls.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

# VS Code and its free builds, all with the same options.
_PROGRAMS = ("code", "codium", "code-insiders", "code-server")


def plan(source: Path) -> Plan:
    """How VS Code is connected.

    Args:
        source: the extension's folder.

    Raises:
        SetupError: there is no package to install, or nothing to install it with.
    """
    packages = sorted(source.glob("*.vsix"))
    if not packages:
        raise SetupError(
            f"there is no package of the extension in {source}. Its README.md says how it is built; then install it "
            "in VS Code: Extensions, the menu with three dots, Install from VSIX"
        )
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        raise SetupError(
            "VS Code's command `code` is not on the PATH. In VS Code run `Shell Command: Install 'code' command in "
            f"PATH`, or install {packages[-1]} there: Extensions, the menu with three dots, Install from VSIX"
        )
    return Plan(
        (
            Command(
                (program, "--install-extension", str(packages[-1])),
                (program, "--uninstall-extension", _identifier(source)),
            ),
        ),
        "open a file in VS Code and type: the suggestion stands in grey behind the cursor, Tab accepts it",
    )


def _identifier(source: Path) -> str:
    try:
        manifest = json.loads((source / "package.json").read_text(encoding="utf-8"))
        return f"{manifest['publisher']}.{manifest['name']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{source / 'package.json'} cannot be read: reinstall pylot-ls") from error
