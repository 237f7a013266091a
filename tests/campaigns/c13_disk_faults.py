"""A disk that is full, read-only, somebody else's or damaged, under a server that completes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from campaign import Campaign, Trial
from served import InProcess, editing, opening

from pylot_ls.bundled import bundled_model_path, sample_path
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.kvcache import folder as folder_module
from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.store import PrefixStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TMPFS_BYTES = 256 * 1024  # room for the database and not for what is evaluated
_NOBODY = 65534


class Warnings(logging.Handler):
    """What is logged of the cache, from warnings on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def full(place: Path, patch: pytest.MonkeyPatch) -> None:
    del place
    n_left, write = [3], os.write

    def limited(descriptor: int, content: bytes) -> int:
        n_left[0] -= 1
        if n_left[0] > 0:
            return write(descriptor, content)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(folder_module.os, "write", limited)


def read_only(place: Path, patch: pytest.MonkeyPatch) -> None:
    place.mkdir(mode=0o500, parents=True)
    if os.geteuid() == 0:  # who may write everywhere
        patch.setattr(folder_module.os, "access", lambda *_: False)


def foreign(place: Path, patch: pytest.MonkeyPatch) -> None:
    place.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0:
        os.chown(place, _NOBODY, _NOBODY)
    else:
        patch.setattr(folder_module.os, "getuid", lambda: _NOBODY)


def damaged(place: Path, _patch: pytest.MonkeyPatch) -> None:
    tier = DiskTier(place, 2**20, 2**30)
    tier.put(b"key", b"value")
    tier.close()
    (place / "cache.db").write_bytes(b"damaged" * 2000)


def no_folder(place: Path, _patch: pytest.MonkeyPatch) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(b"a file of the user's")


FAULTS: tuple[Callable[[Path, pytest.MonkeyPatch], None], ...] = (full, read_only, foreign, damaged, no_folder)


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """A file system with little room at that place; False where none may be mounted."""
    place.mkdir(parents=True)
    command = ("mount", "-t", "tmpfs", "-o", f"size={_TMPFS_BYTES}", "tmpfs", str(place))
    try:
        is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(("umount", "-l", str(place)), check=True)


async def serve(trial: Trial, place: Path, what: str) -> None:
    """Complete in a document, and see what the client and the log are told."""
    store = PrefixStore(MemoryTier(2**26), DiskTier(place, 2**28, 2**30))
    kept = PersistenceConfig(store, trial.folder / "models.json")
    model = bundled_model_path()
    config = LlamaConfig(model, n_ctx=1024, n_threads=1, persistence=kept, manifest_folders=(model.parent,))
    client = InProcess(LlamaBackend(config), store)
    await client.initialize()
    source = sample_path().read_text(encoding="utf-8")
    uri = (trial.folder / "a.py").as_uri()  # of what is in no folder, nothing would be kept
    client.notify("textDocument/didOpen", opening(source, uri))
    for number in range(3):
        line = trial.rng.randrange(source.count("\n"))
        client.notify("textDocument/didChange", editing(number + 2, "x", (line, 0), uri))
        answer = await client.ask(line, 1, uri)
        trial.check("result" in answer and answer["result"] is not None, "errors to the client", f"{what}: {answer}")
        await client.settled()
        await asyncio.to_thread(store.flush, 5)
        trial.count("completions")
    await client.close()
    trial.check(not client.errors and not client.shown, "errors to the client", f"{what}: {client.errors}")


def one(trial: Trial, number: int, warnings: Warnings) -> None:
    place = trial.folder / str(number) / "kv"
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        fault = FAULTS[number % len(FAULTS)]
        what = fault.__name__
        if fault is full and trial.is_full and stack.enter_context(small_disk(place)):
            trial.count("on a small tmpfs")
        else:
            fault(place, patch)
        warnings.said.clear()
        asyncio.run(serve(trial, place, what))
    trial.check(len(warnings.said) == 1, "not one warning", f"{what}: {warnings.said}")
    trial.count("faulty disks")


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("owners and permissions are POSIX")
    trial.patch.setenv("PYLOT_LS_FEEDBACK_ENABLED", "false")
    trial.patch.setenv("PYLOT_LS_COMPLETION_TIME_BUDGET_MS", "0")
    trial.patch.setenv("PYLOT_LS_COMPLETION_ANSWER_AFTER_MS", "0")
    warnings, logger = Warnings(), logging.getLogger("pylot_ls.kvcache")
    logger.addHandler(warnings)
    try:
        for number in trial.rounds():
            one(trial, number, warnings)
    finally:
        logger.removeHandler(warnings)


def plant(patch) -> None:
    """A disk that failed is tried again and again."""
    log = logging.getLogger("pylot_ls.kvcache.disk")
    patch.setattr(DiskTier, "_turn_off", lambda _tier, error: log.warning("%s", error))


CAMPAIGN = Campaign(
    number=13,
    title="disk full (in part on a small tmpfs), read-only, foreign owner, damaged database, no folder",
    goal="completions go on; one warning; no error to the client",
    unit="faulty disks",
    short=5,
    full=100,
    run=run,
    plant=plant,
    faults=("errors to the client", "not one warning"),
)
