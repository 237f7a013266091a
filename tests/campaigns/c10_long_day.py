"""A day of typing in minutes: what a server holds after the first tenth of it, and at its end."""

from __future__ import annotations

import asyncio
import gc
import itertools
import mmap
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import psutil
import pytest
from campaign import Campaign, Trial
from served import URI, InProcess, editing, opening
from turns import turn

from pylot_ls.bundled import sample_path
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.protocol import PylotProtocol

if TYPE_CHECKING:
    from pathlib import Path

# 432,000 edits and 20,000 completions.
_EDITS_A_COMPLETION = 21.6
_WARM = 0.1
# By then all code has run, and allocators have what they need.
_WARM_AT_LEAST = 3_000
_TYPED = "value = compute(item, other)"
_N_OPEN = 6
_MOST_DRIFT = 2.0  # in %
_FAULTS = ("errors", "memory grown", "handles grown", "threads grown")


class Day:
    """Somebody who types lines in one of several files, deletes them again, and opens and closes files."""

    def __init__(self, trial: Trial, client: InProcess) -> None:
        self.trial = trial
        self.client = client
        self.source = sample_path().read_text(encoding="utf-8")
        self.uris = [URI.replace("a.py", f"{number}.py") for number in range(_N_OPEN)]
        self.uri = self.uris[0]
        self.version = 1
        self.n_typed = 0
        self.line = 0
        for uri in self.uris:
            client.notify("textDocument/didOpen", opening(self.source, uri))

    def edit(self) -> None:
        """Type a character; behind a line's worth of them all is as it was, elsewhere."""
        self.version += 1
        if self.n_typed == len(_TYPED):
            self.client.notify("textDocument/didChange", editing(self.version, self.source, uri=self.uri))
            self.n_typed, self.line = 0, self.trial.rng.randrange(self.source.count("\n"))
            self.uri = self.trial.rng.choice(self.uris)
            if self.trial.rng.random() < 0.05:
                self.client.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})
                self.client.notify("textDocument/didOpen", opening(self.source, self.uri))
        else:
            text = _TYPED[self.n_typed]
            params = editing(self.version, text, (self.line, self.n_typed), self.uri)
            self.client.notify("textDocument/didChange", params)
            self.n_typed += 1
        self.trial.count("edits")

    async def complete(self) -> None:
        answer = await self.client.ask(self.line, self.n_typed, self.uri)
        self.trial.count("completions")
        self.trial.check("result" in answer, "errors", answer)
        # What the client notes of each answer is not the server's memory.
        self.client.answers.clear()


def held() -> dict[str, float]:
    """What this process has, once nothing that could be let go is held."""
    gc.collect()
    process = psutil.Process()
    handles = process.num_handles() if sys.platform == "win32" else process.num_fds()
    return {"MiB": process.memory_info().rss / 2**20, "handles": handles, "threads": threading.active_count()}


async def live(trial: Trial) -> None:
    client = InProcess(ScriptedBackend("compute(item, other)"))
    await client.initialize()
    day, at_first = Day(trial, client), {}
    completions_due, warm = 0.0, max(_WARM_AT_LEAST, trial.size * _WARM)
    while trial.figures["edits"] < trial.size:
        day.edit()
        completions_due += 1 / _EDITS_A_COMPLETION
        if completions_due >= 1:
            completions_due -= 1
            await day.complete()
        else:
            await turn()
        if not at_first and trial.figures["edits"] >= warm:
            await client.settled()
            at_first = held()
    await client.settled()
    at_last = held()
    trial.figures["MiB at the end"] = at_last["MiB"]
    drift = trial.figures["memory drift %"] = 100 * (at_last["MiB"] / at_first["MiB"] - 1)
    trial.check(drift < _MOST_DRIFT, "memory grown", f"{at_first['MiB']:.2f} MiB and then {at_last['MiB']:.2f}")
    for name in ("handles", "threads"):
        grown = at_last[name] - at_first[name]
        trial.check(grown <= 0, f"{name} grown", f"{at_first[name]} and then {at_last[name]}")
    await client.close()


def run(trial: Trial) -> None:
    """In a process of its own: what others have freed in this one would take up what grows."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        figures, notes = pool.submit(alone, trial.size, trial.seed, trial.folder, planted=trial.is_planted).result()
    trial.figures |= figures
    trial.notes += notes


def alone(size: int, seed: int, folder: Path, *, planted: bool) -> tuple[dict[str, float], list[str]]:
    """Figures and notes of a day in this process."""
    with pytest.MonkeyPatch.context() as patch:
        trial = Trial(size, seed, folder, patch)
        trial.figures |= dict.fromkeys(("edits", *_FAULTS), 0)
        if planted:
            leave_something(patch)
        asyncio.run(live(trial))
    return trial.figures, trial.notes


def plant(_patch) -> None:
    """Something stays behind of each message, as futures do in pygls: ``run`` has the other process do so."""


def leave_something(patch) -> None:
    left, handle, messages = [], PylotProtocol.handle_message, itertools.count()

    def leaking(protocol, message):
        if next(messages) % 16 == 0:
            # Pages of its own, which nothing that was freed before can hold.
            page = mmap.mmap(-1, 16 * 8192)
            page.write(b"x" * len(page))
            left.append(page)
        handle(protocol, message)

    patch.setattr(PylotProtocol, "handle_message", leaking)


CAMPAIGN = Campaign(
    number=10,
    title="a day in minutes: 432,000 didChange, 20,000 completions",
    goal="memory drift under 2 % after warm-up; handles and threads constant",
    unit="edits",
    short=5_000,
    full=432_000,
    run=run,
    plant=plant,
    faults=_FAULTS,
)
