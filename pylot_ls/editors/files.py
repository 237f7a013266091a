"""The editors' files as they come with pylot-ls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path


def files_of(source: Path, *folders: str) -> dict[str, bytes]:
    """The content of all files below some folders of ``source``, by path with forward slashes.

    Raises:
        SetupError: a folder is missing.
    """
    found = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for folder in folders
        for path in sorted((source / folder).rglob("*"))
        if path.is_file()
    }
    for folder in folders:
        if not any(name.startswith(f"{folder}/") for name in found):
            raise SetupError(f"{source / folder} is missing: the installation is incomplete. Reinstall pylot-ls.")
    return found


def file_of(source: Path, name: str) -> bytes:
    """The content of a file.

    Raises:
        SetupError: it is missing.
    """
    try:
        return (source / name).read_bytes()
    except OSError as error:
        raise SetupError(f"{source / name} is missing: the installation is incomplete. Reinstall pylot-ls.") from error
