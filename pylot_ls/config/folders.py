"""Folders of the user's that pylot-ls uses."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import platformdirs

from pylot_ls.config.wording import shown_path
from pylot_ls.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder() -> Path:
    """The folder for what can be made again; it need not exist."""
    return platformdirs.user_cache_path("pylot-ls", appauthor=False)


def models_folder() -> Path:
    """The folder for models that were fetched; it need not exist."""
    return platformdirs.user_data_path("pylot-ls", appauthor=False) / "models"


def state_folder() -> Path:
    """The folder for what pylot-ls remembers from one session to the next; it need not exist."""
    return platformdirs.user_state_path("pylot-ls", appauthor=False)


def make_private(folder: Path) -> None:
    """Make a folder, readable by its owner alone, and see that it can be written to.

    One that is there already is closed to others.

    Raises:
        SettingsError: it cannot be made or written to, or it belongs to somebody else.
    """
    place = shown_path(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if hasattr(os, "getuid"):  # elsewhere a folder's owner and mode say nothing
            if status.st_uid != os.getuid():
                raise SettingsError(f"the folder {place} belongs to another user; remove it or take it over")
            if status.st_mode & 0o077:
                folder.chmod(stat.S_IMODE(status.st_mode) & 0o700)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"the folder {place} cannot be made, or not made private: {reason}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"the folder {place} cannot be written to; change its permissions")
