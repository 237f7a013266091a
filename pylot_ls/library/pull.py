"""Fetching a model: resumed after an interruption, checked against the hub's hash, put in place in one step.

Until the hash is right the file has a name that nothing takes for a model.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
from typing import TYPE_CHECKING

from pylot_ls.errors import ConnectionLostError, PullError
from pylot_ls.library import hub

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.engine.manifest import ModelFile

# Beside the file itself so much stays free on the disk.
_SPARE_BYTES = 256 * 2**20
# So often in a row the hub may break off without having sent anything new.
_MOST_FAILURES = 5
_PAUSE_S = 1.0
_GIB = 2**30


def pull(
    file: ModelFile,
    destination: Path,
    on_progress: Callable[[int, int], None],
    *,
    endpoint: str | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch a file from the hub.

    Args:
        file: which.
        destination: where it is put; its folder exists.
        on_progress: called with the bytes that are here and those that there are in all.
        endpoint: of the hub, see ``hub.look_up``.
        pause: called with seconds to wait before another attempt.

    Raises:
        PullError: it cannot be had, does not fit the disk, is not what the hub says it is, or not what its manifest
            says. Nothing is at ``destination`` then; what was fetched is kept for the next time, unless it is wrong.
    """
    remote = hub.look_up(file.repository, file.file, endpoint)
    if file.sha256 and remote.sha256 != file.sha256:
        raise PullError(
            f"{file.file} on the hub is not the file that its manifest names: its SHA-256 is {remote.sha256}, not "
            f"{file.sha256}. It was changed; nothing was fetched"
        )
    partial = destination.with_name(f".{destination.name}.{remote.sha256}.part")
    try:
        _forget_others(destination, partial)
        _check_space(destination.parent, remote.size_bytes - _size(partial))
        _fetch(remote, partial, on_progress, pause)
        _check_hash(remote, partial)
        partial.replace(destination)
    except OSError as error:
        raise PullError(_of_disk(error, destination)) from error


def _forget_others(destination: Path, partial: Path) -> None:
    """What was fetched of another version of the file is of no use."""
    for path in destination.parent.glob(f".{destination.name}.*.part"):
        if path != partial:
            path.unlink(missing_ok=True)


def _fetch(
    remote: hub.RemoteFile, partial: Path, on_progress: Callable[[int, int], None], pause: Callable[[float], None]
) -> None:
    n_failures = 0
    while (start := _size(partial)) < remote.size_bytes:
        try:
            _append(remote, partial, start, on_progress)
        except ConnectionLostError:
            n_failures = n_failures + 1 if _size(partial) == start else 0
            if n_failures >= _MOST_FAILURES:
                raise
            pause(_PAUSE_S)
    if start > remote.size_bytes:
        partial.unlink()
        raise PullError(f"the hub sent more of {remote.file} than there is; nothing of it was kept, try again")


def _append(remote: hub.RemoteFile, partial: Path, start: int, on_progress: Callable[[int, int], None]) -> None:
    with hub.stream(remote, start) as (begin, parts), partial.open("ab") as target:
        if begin != start:
            target.truncate(begin)
        n_bytes = begin
        for part in parts:
            target.write(part)
            n_bytes += len(part)
            on_progress(n_bytes, remote.size_bytes)
            if n_bytes > remote.size_bytes:
                return
    if n_bytes < remote.size_bytes:
        raise ConnectionLostError(f"the hub broke off in {remote.file}; the same command goes on from there")


def _check_hash(remote: hub.RemoteFile, partial: Path) -> None:
    with partial.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        os.fsync(source.fileno())
    if digest != remote.sha256:
        partial.unlink()
        raise PullError(
            f"{remote.file} is not what the hub says it is: its SHA-256 is {digest}, not {remote.sha256}. It was "
            "removed; try again, and if that does not help, over another network",
        )


def _check_space(folder: Path, n_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < n_bytes + _SPARE_BYTES:
        raise PullError(
            f"{n_bytes / _GIB:.1f} GiB are still to be fetched, but {folder} has {free / _GIB:.1f} GiB free; "
            "make room, or choose a smaller quantisation",
        )


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _of_disk(error: OSError, destination: Path) -> str:
    reason = error.strerror or str(error)
    advice = (
        "make room; what has been fetched is kept, and the same command goes on from there"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}
        else "see to its permissions"
    )
    return f"{destination.name} cannot be written to {destination.parent}: {reason}; {advice}"
