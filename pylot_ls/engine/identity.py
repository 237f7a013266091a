"""Which model a file is: the hash of its content, remembered so that it is read as a whole only once."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from pylot_ls.engine.remembered import recall, remember

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 4 * 2**20
_MOST_REMEMBERED = 64


def model_identity(model: Path, memory: Path | None, keep_on: Callable[[], bool]) -> str | None:
    """The SHA-256 of a model file; None when it cannot be told.

    Args:
        model: the file.
        memory: a JSON file of ours where hashes are remembered, by device, inode, size and times of change; None for
            nowhere.
        keep_on: asked between chunks; reading ends when it returns False.
    """
    try:
        before = _version(model)
        remembered = _remembered(memory) if memory else {}
        known = remembered.get(before)
        if known is not None:
            return known
        digest = _hash(model, keep_on)
        # A file that was changed while it was read has no hash.
        if digest is None or _version(model) != before:
            return None
    except OSError as error:
        _log.info("the model's identity cannot be told: %s", error.strerror)
        return None
    if memory:
        remember(memory, {**remembered, before: digest}, _MOST_REMEMBERED)
    return digest


def known_identity(model: Path, memory: Path) -> str | None:
    """As ``model_identity``, as far as it is remembered: the file is not read."""
    try:
        return _remembered(memory).get(_version(model))
    except OSError:
        return None


def file_stamp(file: Path) -> str | None:
    """What changes whenever a file is replaced or rewritten; None where there is no file."""
    try:
        return _stamp(file)
    except OSError:
        return None


def is_other_file(stamp: str, later: str) -> bool:
    """Whether a file was replaced by another one, and not rewritten in place."""
    return stamp.split(":")[:2] != later.split(":")[:2]


def _stamp(model: Path) -> str:
    status = model.stat()
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def _version(model: Path) -> str:
    # Whoever rewrites a file may set its time back to what it was, as tools that copy do; not that of the inode.
    return f"{_stamp(model)}:{model.stat().st_ctime_ns}"


def _hash(model: Path, keep_on: Callable[[], bool]) -> str | None:
    state = hashlib.sha256()
    with model.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if not keep_on():
                return None
            state.update(chunk)
    return state.hexdigest()


def _remembered(memory: Path) -> dict[str, str]:
    return {stamp: digest for stamp, digest in recall(memory).items() if isinstance(digest, str)}
