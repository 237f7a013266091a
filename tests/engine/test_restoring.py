"""How long a prompt waits for what is on disk of it."""

from __future__ import annotations

import threading

import pytest

from pylot_ls.engine import restoring
from pylot_ls.engine.generation import Generation
from pylot_ls.engine.inbox import Job
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.restoring import Restoring
from pylot_ls.engine.sequences import Lease
from pylot_ls.engine.types import GenerateRequest, Priority

N_PROMPT = 1000


class Disk:
    """A block cache, and what is loaded: the blocks come to memory one by one, a moment later."""

    def __init__(self, *arrivals):
        self.arrivals = list(arrivals)  # how many tokens are in memory after each wait; the last one ends it
        self.n_in_memory = 0
        self.n_expected = 0
        self.done = None

    def cache(self):
        return self

    def expect(self, _tokens, done, _salt):
        self.n_expected += 1
        self.done = done

    def restore(self, _seq, _tokens, n_stored):
        return max(n_stored, self.n_in_memory)


class Waited(threading.Event):
    """An event that is waited for in no time; each wait lets something arrive."""

    disk = None
    waits = None

    def wait(self, timeout=None):
        self.waits.append(timeout)
        if self.disk.arrivals:
            self.disk.n_in_memory = self.disk.arrivals.pop(0)
            if not self.disk.arrivals:
                self.disk.done()
        return self.is_set()


@pytest.fixture
def waits(monkeypatch):
    taken = []
    monkeypatch.setattr(Waited, "waits", taken)
    monkeypatch.setattr(restoring.threading, "Event", Waited)
    return taken


def generation_of(priority=Priority.KEYSTROKE):
    generation = Generation(Job(GenerateRequest("1", (TextSegment("x"),), 8, priority=priority)))
    generation.begin(tuple(range(N_PROMPT)))
    generation.use(Lease(0, 0))
    return generation


def restore(monkeypatch, disk, generation, tokens_per_s=0.0):
    monkeypatch.setattr(Waited, "disk", disk)
    restorer = Restoring(disk)
    restorer.restore([generation], tokens_per_s)
    return restorer


def test_a_keystroke_waits_as_long_as_blocks_arrive(monkeypatch, waits):
    generation = generation_of()
    restore(monkeypatch, Disk(256, 512, 999), generation)
    assert generation.n_pending == 1
    assert waits == [restoring._WAIT_S] * 3


def test_a_keystroke_does_not_wait_on_where_nothing_arrives(monkeypatch, waits):
    generation = generation_of()
    restore(monkeypatch, Disk(256, 256, 256), generation)
    assert generation.n_pending == N_PROMPT - 256
    assert len(waits) == 2


def test_a_keystroke_never_waits_longer_than_evaluating_takes(monkeypatch, waits):
    restore(monkeypatch, Disk(0), generation_of(), tokens_per_s=1e6)
    assert waits == [N_PROMPT / 1e6]


def test_what_is_in_memory_is_not_waited_for(monkeypatch, waits):
    disk, generation = Disk(), generation_of()
    disk.n_in_memory = 980
    restore(monkeypatch, disk, generation)
    assert generation.n_pending == 20
    assert (waits, disk.n_expected) == ([], 0)


def test_other_prompts_are_evaluated_while_the_disk_is_read(monkeypatch, waits):
    disk, generation = Disk(), generation_of(Priority.BACKGROUND)
    restorer = restore(monkeypatch, disk, generation)
    assert (waits, disk.n_expected, generation.n_pending) == ([], 1, N_PROMPT)
    disk.n_in_memory = 512
    restorer.restore([generation], 100.0)
    assert (waits, disk.n_expected, generation.n_pending) == ([], 1, N_PROMPT - 512)
