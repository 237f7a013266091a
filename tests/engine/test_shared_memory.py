"""Several models under one plan: who comes has room, or makes it, in the order in which the others were used."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pylot_ls.engine.dimensions import Dimensions
from pylot_ls.engine.memory_plan import GIB, MIB, Room, Wishes, least_bytes
from pylot_ls.engine.shared_memory import SharedMemory
from pylot_ls.errors import ModelTooLargeError

# Of a model of which nothing else is known all is weights and the buffers of an ordinary one.
MODEL = Dimensions(200 * MIB)
WISHES = Wishes(cache_bytes=0)
EACH = least_bytes(MODEL, WISHES)


class Holder:
    """A model that remembers when it was unloaded."""

    def __init__(self, memory, name, order, used_at=0.0, *, is_loaded=True, is_busy=False):
        self.name = name
        self.used_at = used_at
        self.is_loaded = is_loaded
        self.is_busy = is_busy
        self.memory = memory
        self._order = order

    def unload(self):
        self._order.append(self.name)
        self.memory.release(self)

    def plan(self, *, path=None, is_wanted=lambda: True):
        return self.memory.of(self).plan(Path(path or self.name), MODEL, WISHES, is_wanted)


@pytest.fixture
def order():
    return []


@pytest.fixture
def memory():
    """Room for two models, and a little."""
    return memory_for(2)


def memory_for(n_models, free=60 * GIB):
    def measure(limit_bytes, taken_bytes):
        return Room(64 * GIB, free, limit_bytes, taken_bytes)

    return SharedMemory(int((n_models + 0.5) * EACH), measure)


def test_models_that_fit_beside_each_other_stay(memory, order):
    first, second = (Holder(memory, name, order) for name in "ab")
    taken = first.plan().needed_bytes + second.plan().needed_bytes
    assert memory.room().taken_bytes == taken >= 2 * EACH
    assert order == []


def test_the_one_that_was_used_least_recently_makes_way(memory, order):
    for name, used_at in (("a", 5.0), ("b", 3.0)):
        Holder(memory, name, order, used_at).plan()
    Holder(memory, "c", order).plan()
    assert order == ["b"]


def test_one_that_is_idle_makes_way_before_one_that_is_busy(memory, order):
    Holder(memory, "a", order, 1.0, is_busy=True).plan()
    Holder(memory, "b", order, 2.0).plan()
    Holder(memory, "c", order).plan()
    assert order == ["b"]


def test_nobody_makes_way_for_one_that_never_has_room(order):
    memory = memory_for(1)
    Holder(memory, "a", order).plan()
    large = Dimensions(900 * MIB)
    with pytest.raises(ModelTooLargeError):
        memory.of(Holder(memory, "b", order)).plan(Path("b"), large, WISHES, lambda: True)
    assert order == []


def test_a_model_that_is_loaded_again_has_no_second_share(order):
    memory = memory_for(1)
    holder = Holder(memory, "a", order)
    holder.plan()
    assert memory.room().taken_bytes == holder.plan().needed_bytes


def test_weights_of_the_same_file_are_there_once(order):
    memory = memory_for(1.2)
    Holder(memory, "a", order).plan(path="same.gguf")
    Holder(memory, "b", order).plan(path="same.gguf")
    assert order == []


def test_one_that_is_being_loaded_is_waited_for(order):
    memory = memory_for(1)
    loading = Holder(memory, "a", order, is_loaded=False)
    loading.plan()
    asked = threading.Event()

    def is_wanted():
        asked.set()
        return True

    waiting = threading.Thread(target=lambda: Holder(memory, "b", order).plan(is_wanted=is_wanted))
    waiting.start()
    assert asked.wait(60)
    assert order == []
    loading.is_loaded = True
    memory.settled()
    waiting.join(60)
    assert order == ["a"]


def test_who_is_no_longer_wanted_waits_for_nobody(order):
    memory = memory_for(1)
    Holder(memory, "a", order, is_loaded=False).plan()
    with pytest.raises(ModelTooLargeError):
        Holder(memory, "b", order).plan(is_wanted=lambda: False)
