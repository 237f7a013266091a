"""Folders of the user's that pylot-ls uses."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import platformdirs

from pylot_ls.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder() -> Path:
    """The folder for what can be made again; it need not exist."""
    return platformdirs.user_cache_path("pylot-ls", appauthor=False)


def make_private(folder: Path) -> None:
    """Make a folder, readable by its owner alone, and see that it can be written to.

    Raises:
        SettingsError: it cannot be made or written to, or it belongs to somebody else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat().st_uid
    except OSError as error:
        raise SettingsError(f"the folder {folder} cannot be made: {error.strerror}") from error
    if hasattr(os, "getuid") and owner != os.getuid():
        raise SettingsError(f"the folder {folder} belongs to another user; remove it or take it over")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"the folder {folder} cannot be written to; change its permissions")
