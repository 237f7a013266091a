"""The report that ``doctor --bundle`` packs: for somebody else to read, so no code, no keys, no names of the user's."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import zipfile
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls import __version__
from pylot_ls.config.fields import describe
from pylot_ls.config.folders import crashes_folder
from pylot_ls.config.load import load, origins
from pylot_ls.config.sources import from_environment, from_file
from pylot_ls.errors import SettingsError
from pylot_ls.lsp.crash_note import past_crashes
from pylot_ls.trace import without_control_characters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylot_ls.cli.checks import Check
    from pylot_ls.config.settings import Settings

_DEPENDENCIES = ("llama-cpp-python", "pygls", "lsprotocol", "diskcache", "numpy", "tree-sitter")
_MOST_LINES = 200
_MOST_CHARACTERS = 400
# Where a record begins at the level that is logged by default; at others the log may hold code.
_RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (WARNING|ERROR|CRITICAL) ")
_SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)


def write_bundle(path: Path, found: Iterable[Check]) -> None:
    """Write the report, readable by the user alone.

    Args:
        path: a zip file that is not there yet.
        found: what ``doctor`` has found.

    Raises:
        SettingsError: it cannot be written, or is there already.
    """
    settings, _ = load((from_file(os.environ), from_environment(os.environ)))
    parts = {
        "versions.json": json.dumps(_versions(), indent=2),
        "doctor.json": json.dumps([asdict(check) for check in found], indent=2),
        "settings.json": json.dumps(_settings(settings), indent=2),
        "crashes.txt": "\n".join(past_crashes(crashes_folder())),
        "log.txt": "\n".join(_last_warnings(settings.log.file)),
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, text in parts.items():
                packed.writestr(name, _anonymous(text))
    except FileExistsError as error:
        raise SettingsError(f"{path} is there already; name another file for the report") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"the report cannot be written to {path}: {reason}") from error


def _versions() -> dict[str, str]:
    known = {"pylot-ls": __version__, "Python": platform.python_version(), "system": platform.platform()}
    for name in _DEPENDENCIES:
        try:
            known[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            known[name] = "not installed"
    return known


def _settings(settings: Settings) -> dict[str, str]:
    """Those that the user has set, with where; a key is not told."""
    places = origins((from_file(os.environ), from_environment(os.environ)))
    told = {}
    for row in describe():
        if row.key in places:
            group, name = row.key.split(".")
            value = "(not told)" if _SECRET.search(name) else str(getattr(getattr(settings, group), name))
            told[row.key] = f"{value} from {places[row.key]}"
    return told


def _last_warnings(log: Path | None) -> list[str]:
    """First lines of the log's last warnings and errors: the lines below may quote what was being worked on."""
    if log is None or not log.is_file():
        return []
    last: deque[str] = deque(maxlen=_MOST_LINES)
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            last.extend(line.rstrip("\n")[:_MOST_CHARACTERS] for line in file if _RECORD.match(line))
    except OSError:
        return []
    return list(last)


def _anonymous(text: str) -> str:
    """The text without the name of the user's home, also as JSON and URIs spell it."""
    try:
        home = Path.home()
    except RuntimeError:
        return without_control_characters(text)
    for spelling in {str(home), json.dumps(str(home))[1:-1], home.as_posix(), home.as_uri().removeprefix("file://")}:
        if len(spelling) > 1:
            text = text.replace(spelling, "~")
    return without_control_characters(text)
