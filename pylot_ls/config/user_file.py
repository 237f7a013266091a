"""Writing one setting into the user's own file; all else in it stays as it is. The only importer of tomlkit."""

from __future__ import annotations

import codecs
import contextlib
import os
import tomllib
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pylot_ls.config.sources import SECTION
from pylot_ls.config.wording import shown_path
from pylot_ls.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path


def set_in_file(path: Path, group: str, name: str, value: str) -> None:
    """Set a setting; the file, its folder and the group are made if need be.

    Raises:
        SettingsError: the file cannot be read, is no TOML, or cannot be written.
    """

    def change(root: MutableMapping[str, Any]) -> None:
        if group not in root:
            root[group] = tomlkit.table()
        root[group][name] = value

    _edit(path, change)


def unset_in_file(path: Path, group: str, name: str) -> None:
    """Take a setting out, so that its default counts; a file without it is left alone.

    Raises:
        SettingsError: as ``set_in_file``.
    """
    if path.exists():
        _edit(path, lambda root: root.get(group, {}).pop(name, None))


def _edit(path: Path, change: Callable[[MutableMapping[str, Any]], object]) -> None:
    place = shown_path(path)
    try:
        target = path.resolve()  # a link into a folder of dotfiles stays one
        target.parent.mkdir(parents=True, exist_ok=True)
        data = target.read_bytes() if target.exists() else b""
        bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        before = data.removeprefix(bom).decode("utf-8")
        document = tomlkit.parse(before)
        change(document[SECTION] if isinstance(document.get(SECTION), dict) else document)
        text = tomlkit.dumps(document)
        tomllib.loads(text)  # what reads it is not what wrote it
        if text != before:
            _replace(target, bom + text.encode("utf-8"))
    except OSError as error:
        raise SettingsError(f"the settings file {place} cannot be written: {error.strerror or error}") from error
    except (ValueError, TypeError, AttributeError, TOMLKitError) as error:
        raise SettingsError(f"the settings file {place} cannot be changed: {error}; mend it first") from error


def _replace(target: Path, data: bytes) -> None:
    """Write a file in one step, with the mode it had."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(data)
        with contextlib.suppress(FileNotFoundError):
            unfinished.chmod(target.stat().st_mode & 0o777)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
