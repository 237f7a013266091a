"""Which model a file is: the hash of its content, remembered so that it is read as a whole only once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 4 * 2**20
_MOST_REMEMBERED = 64


def model_identity(model: Path, memory: Path, keep_on: Callable[[], bool]) -> str | None:
    """The SHA-256 of a model file; None when it cannot be told.

    Args:
        model: the file.
        memory: a JSON file of ours where hashes are remembered, by device, inode, size and time of change.
        keep_on: asked between chunks; reading ends when it returns False.
    """
    try:
        before = _stamp(model)
        remembered = _remembered(memory)
        known = remembered.get(before)
        if known is not None:
            return known
        digest = _hash(model, keep_on)
        # A file that was changed while it was read has no hash.
        if digest is None or _stamp(model) != before:
            return None
    except OSError as error:
        _log.info("the model's identity cannot be told: %s", error.strerror)
        return None
    kept = list(remembered.items())[-_MOST_REMEMBERED + 1 :]
    _remember(memory, {**dict(kept), before: digest})
    return digest


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


def _hash(model: Path, keep_on: Callable[[], bool]) -> str | None:
    state = hashlib.sha256()
    with model.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if not keep_on():
                return None
            state.update(chunk)
    return state.hexdigest()


def _remembered(memory: Path) -> dict[str, str]:
    try:
        found = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {stamp: digest for stamp, digest in pairs if isinstance(stamp, str) and isinstance(digest, str)}


def _remember(memory: Path, digests: dict[str, str]) -> None:
    """Replace the file as a whole, so that another server never reads half of it."""
    try:
        memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=memory.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(digests, file)
        Path(name).replace(memory)
    except OSError as error:
        _log.info("the model's hash is not remembered: %s", error.strerror)
