"""Reads the ignore files that count for a document. The only place that reads a disk for one.

Read are .gitignore, .ignore and .pylotignore in the folders above the document, the excludes of its repository, and
the user's for all repositories. All are small text; what they say goes no further than yes or no.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls.features.ignore_rules import Layer, is_ignored, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = (".gitignore", ".ignore", ".pylotignore")
MAX_FILE_BYTES = 128 * 1024
_MAX_FOLDERS = 64
# Windows alone distinguishes text from binary, and has no FIFOs.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def is_ignored_on_disk(path: Path) -> bool:
    """Whether ignore files leave out a file, which need not be there yet. Reads the disk.

    Each kind of ignore file counts by itself: what one leaves out, another one cannot take in again.

    Args:
        path: absolute, and without ``..``.

    Raises:
        OSError: the file's folder is not there, or an ignore file cannot be read.
        ValueError: an ignore file is no text, too large, or not understood.
    """
    if ".git" in path.parts:
        return True
    if not stat.S_ISDIR(path.parent.stat().st_mode):
        raise NotADirectoryError(str(path.parent))
    above = path.parents
    if len(above) > _MAX_FOLDERS:
        raise ValueError("nested too deeply")
    root = next((folder for folder in above if os.path.lexists(folder / ".git")), None)
    # Outside a repository nothing says where a .gitignore ends to count, so all do.
    top_down = [folder for folder in reversed(above) if root is None or folder.is_relative_to(root)]
    git_layers = [
        _layer(top_down[0], _global_excludes()),
        *([] if root is None else [_layer(root, _git_folder(root) / "info" / "exclude")]),
        *_layers(top_down, ".gitignore"),
    ]
    others = (_layers(tuple(reversed(above)), name) for name in NAMES[1:])
    return any(is_ignored(path, layers) for layers in (git_layers, *others))


def _layers(folders: Sequence[Path], name: str) -> list[Layer]:
    for folder in folders:
        _refuse_leading_out(folder, folder / name)
    return [_layer(folder, folder / name) for folder in folders]


def _refuse_leading_out(folder: Path, file: Path) -> None:
    """Refuse a link to what lies outside of its folder: a repository must not choose what else is read."""
    if file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"{file.name} is a link that leads out of its folder")


def _layer(base: Path, file: Path | None) -> Layer:
    return Layer(base, () if file is None else parse(_read(file)))


def _global_excludes() -> Path | None:
    """Where git looks for the user's own excludes unless its configuration names another file."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        return (Path(folder) if folder else Path.home() / ".config") / "git" / "ignore"
    except RuntimeError:  # there is no home
        return None


def _git_folder(root: Path) -> Path:
    """The folder that holds a repository's own excludes; of a worktree or a submodule it lies elsewhere."""
    own = root / ".git"
    if own.is_dir():
        return own
    sign, _, place = _read(own).partition(":")
    if sign != "gitdir":
        raise ValueError("a .git that is neither a folder nor names one")
    folder = root / _local(place)
    common = _read(folder / "commondir")
    return folder / _local(common) if common else folder


def _local(written: str) -> str:
    """Refuse a folder on another machine: to look there would tell that machine who the user is."""
    place = written.strip()
    if not place or place.replace("\\", "/").startswith("//"):
        raise ValueError("a .git that names no folder of this machine")
    return place


def _read(file: Path) -> str:
    """The text of a file, "" where there is none."""
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        if file.is_symlink():
            raise
        return ""
    _refuse_special(file, status)
    # Should it have become a FIFO meanwhile, opening it so does not wait for a writer.
    with os.fdopen(os.open(file, _READ_FLAGS), "rb") as opened:
        _refuse_special(file, os.fstat(opened.fileno()))
        data = opened.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES or b"\0" in data:  # UTF-16 holds zeros
        raise ValueError(f"{file.name} is too large or no text")
    return data.decode("utf-8-sig", errors="surrogateescape")


def _refuse_special(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{file.name} is no regular file")
