"""Of several models the one that serves a keystroke has the cores for itself."""

from __future__ import annotations

import threading

import pytest

from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.precedence import Precedence
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_memory import SharedMemory
from pylot_ls.engine.types import GenerateRequest, Priority


@pytest.fixture
def precedence():
    return Precedence()


@pytest.fixture
def waits(precedence):
    """Let a model give way on a thread; whether it is still waiting."""
    threads = []

    def begin(model):
        threads.append(threading.Thread(target=precedence.give_way, args=(model,)))
        threads[-1].start()
        return threads[-1].is_alive

    yield begin
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_who_serves_nothing_urgent_waits_for_the_keystroke_of_another(precedence, waits):
    precedence.begin("complete", "1")
    precedence.begin("complete", "2")
    is_waiting = waits("chat")
    precedence.end("complete", "1")
    assert is_waiting()
    precedence.end("complete", "2")


def test_nobody_waits_for_himself_or_for_what_has_ended(precedence):
    precedence.begin("complete", "1")
    precedence.give_way("complete")
    precedence.forget("complete")
    precedence.give_way("chat")
    precedence.end("chat", "never begun")
    precedence.give_way("complete")


def test_a_keystroke_that_never_ends_holds_nobody_up_for_ever(precedence, waits):
    precedence.begin("complete", "1")
    waits("chat")  # whose thread ends all the same


def test_a_backend_tells_of_its_keystrokes_alone(precedence, drive, waits):
    inner = ScriptedBackend()
    inner.pause()
    backend = PooledBackend(lambda _memory, _give_way: inner, SharedMemory(), precedence)
    driven = drive(backend)
    backend.submit(GenerateRequest("a", (TextSegment("x"),), 4, priority=Priority.INTERACTIVE))
    precedence.give_way("chat")
    backend.submit(GenerateRequest("b", (TextSegment("x"),), 4))
    is_waiting = waits("chat")
    assert is_waiting()
    inner.resume()
    driven.answer("b")
