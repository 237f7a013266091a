"""Folders of the user's that pylot-ls uses."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import platformdirs
from platformdirs.unix import Unix

from pylot_ls.config.wording import shown_path
from pylot_ls.errors import SettingsError


def cache_folder() -> Path:
    """The folder for what can be made again; it need not exist."""
    return platformdirs.user_cache_path("pylot-ls", appauthor=False)


def models_folder() -> Path:
    """The folder for models that were fetched; it need not exist."""
    return platformdirs.user_data_path("pylot-ls", appauthor=False) / "models"


def state_folder() -> Path:
    """The folder for what pylot-ls remembers from one session to the next; it need not exist."""
    return platformdirs.user_state_path("pylot-ls", appauthor=False)


def crashes_folder() -> Path:
    """The folder for what servers were doing when they ended; it need not exist."""
    return state_folder() / "crashes"


def editor_files_folder() -> Path:
    """The folder for what editors load of ours; it need not exist."""
    return platformdirs.user_data_path("pylot-ls", appauthor=False) / "editors"


def neovim_data_folder() -> Path:
    """Neovim's ``stdpath('data')``: of XDG on macOS, too; ``NVIM_APPNAME`` counts."""
    name = os.environ.get("NVIM_APPNAME") or "nvim"
    if sys.platform == "win32":
        return platformdirs.user_data_path(f"{name}-data", appauthor=False)
    return Unix(name).user_data_path


def helix_config_folder() -> Path:
    """Helix's folder of settings: of XDG on macOS, too."""
    if sys.platform == "win32":
        return platformdirs.user_config_path("helix", appauthor=False, roaming=True)
    return Unix("helix").user_config_path


def emacs_config_folder() -> Path:
    """Where Emacs looks for its init file last: of XDG on macOS, too."""
    if sys.platform == "win32":
        return emacs_home() / ".config" / "emacs"
    return Unix("emacs").user_config_path


def emacs_home() -> Path:
    """What is ``~`` for Emacs: on Windows the folder of roaming settings, unless ``HOME`` is set."""
    if sys.platform == "win32" and not os.environ.get("HOME"):
        return platformdirs.user_config_path(appauthor=False, roaming=True)
    return Path(os.environ.get("HOME") or Path.home())


def user_units_folder() -> Path:
    """Where systemd looks for a user's own services."""
    return Unix("systemd").user_config_path / "user"


def launch_agents_folder() -> Path:
    """Where launchd looks for a user's own services."""
    return Path.home() / "Library" / "LaunchAgents"


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
