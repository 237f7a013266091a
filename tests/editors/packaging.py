"""The extension for VS Code, packaged as its README says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .vscode import VSCodeError

HERE = Path(__file__).parent


def package_extension(fetched: Path, build: Path) -> Path:
    """Build the .vsix as its README says, but for the server in it; its path.

    Args:
        fetched: the folder that fetch_vscode.sh has filled; what the build needs is kept there, too.
        build: a folder that is not there yet, for a copy of the sources.

    Raises:
        RuntimeError: what it is built with cannot be fetched.
        VSCodeError: it cannot be built.
    """
    source, kept = HERE.parents[1] / "editors" / "vscode", fetched / "extension"
    environment = {**os.environ, "PATH": f"{fetched / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def npm(*command: str, folder: Path, failing: type[Exception]) -> None:
        ended = subprocess.run(
            ["npm", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if ended.returncode != 0:
            raise failing(f"npm {' '.join(command)} failed:\n{ended.stdout}\n{ended.stderr}")

    lock, installed = source / "package-lock.json", kept / "node_modules" / "installed-from-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        kept.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(source / name, kept)
        npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=kept, failing=RuntimeError)
        shutil.copy(lock, installed)
    shutil.copytree(source, build, ignore=shutil.ignore_patterns("node_modules", "dist", "*.vsix", "server"))
    (build / "node_modules").symlink_to(kept / "node_modules")
    npm("run", "package", folder=build, failing=VSCodeError)
    return build / "pylot-ls.vsix"
