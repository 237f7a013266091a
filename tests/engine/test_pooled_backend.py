"""A backend that comes and goes: requests in flight finish first, those that come meanwhile wait."""

from __future__ import annotations

import threading

import pytest

from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_memory import SharedMemory
from pylot_ls.engine.types import Failed, Finished, FinishReason, KnownText, LoadFailed, Loading, Ready

PROMPT = (TextSegment("x"),)


class Made:
    """What a pooled backend made, in order."""

    def __init__(self):
        self.backends = []
        self.failures = []

    def make(self, _memory, _give_way):
        failure = self.failures.pop(0) if self.failures else None
        self.backends.append(ScriptedBackend("answer", load_failure=failure))
        return self.backends[-1]


@pytest.fixture
def made():
    return Made()


@pytest.fixture
def pooled(made):
    return PooledBackend(made.make, SharedMemory())


def settled(driven, n_times):
    """Wait until the model was loaded so many times."""
    with driven._changed:
        driven._changed.wait_for(lambda: sum(isinstance(e, Ready | LoadFailed) for e in driven.events) >= n_times, 60)


def making_way(pooled):
    """Wait until it no longer takes requests."""
    with pooled._changed:
        assert pooled._changed.wait_for(lambda: not pooled.is_loaded, 60)


def test_it_answers_as_the_one_within(pooled, made, drive):
    driven = drive(pooled)
    assert driven.ask(PROMPT).text == "answer"
    assert len(made.backends) == 1
    assert pooled.is_loaded
    assert not pooled.is_busy
    assert pooled.used_at > 0


def test_once_unloaded_a_request_loads_it_again(pooled, made, drive):
    driven = drive(pooled)
    driven.ask(PROMPT)
    pooled.unload()
    assert not pooled.is_loaded
    assert driven.ask(PROMPT).text == "answer"
    assert len(made.backends) == 2
    assert [type(event) for event in driven.events if isinstance(event, Loading | Ready)] == [Loading, Ready] * 2


def test_requests_in_flight_finish_before_it_goes(pooled, made, drive):
    driven = drive(pooled)
    driven.state()
    made.backends[0].pause()
    request_id = driven.submit(PROMPT)
    going = threading.Thread(target=pooled.unload)
    going.start()
    making_way(pooled)
    assert pooled.is_busy
    made.backends[0].resume()
    going.join(60)
    assert driven.answer(request_id).text == "answer"
    assert not pooled.is_busy


def test_requests_that_come_while_it_goes_are_served_by_the_next(pooled, made, drive):
    driven = drive(pooled)
    driven.state()
    made.backends[0].pause()
    first = driven.submit(PROMPT)
    going = threading.Thread(target=pooled.unload)
    going.start()
    making_way(pooled)
    second, third = driven.submit(PROMPT), driven.submit(PROMPT)
    pooled.cancel(third)
    assert driven.answer(third).end.reason is FinishReason.CANCELLED
    made.backends[0].resume()
    going.join(60)
    assert [driven.answer(each).text for each in (first, second)] == ["answer", "answer"]
    assert len(made.backends) == 2


def test_closing_ends_one_that_waits_for_its_requests(pooled, made, drive):
    driven = drive(pooled)
    driven.state()
    made.backends[0].pause()
    first = driven.submit(PROMPT)
    going = threading.Thread(target=pooled.unload)
    going.start()
    making_way(pooled)
    second = driven.submit(PROMPT)
    pooled.close()
    going.join(60)
    assert [driven.answer(each).end.reason for each in (first, second)] == [FinishReason.CANCELLED] * 2
    assert len(made.backends) == 1
    end = driven.ask(PROMPT).end
    assert isinstance(end, Failed)
    assert end.kind == "EngineClosedError"


def test_what_failed_to_load_may_be_loaded_again(pooled, made, drive):
    made.failures.append(LoadFailed("no room", "ModelTooLargeError"))
    driven = drive(pooled)
    assert isinstance(driven.state(), LoadFailed)
    assert isinstance(driven.ask(PROMPT).end, Failed)
    pooled.reload()
    settled(driven, 2)
    assert isinstance(driven.ask(PROMPT).end, Finished)


def test_a_model_that_is_loaded_again_learns_what_is_known_then(made, drive):
    class Taught(ScriptedBackend):
        def __init__(self):
            super().__init__("answer")
            self.texts = []

        def learn(self, text):
            self.texts.append((text.text_id, text.text))

    backends = []

    def make(_memory, _give_way):
        backends.append(Taught())
        return backends[-1]

    pooled = PooledBackend(make, SharedMemory())
    driven = drive(pooled)
    for text_id, text in (("a", "one"), ("b", "two"), ("a", None)):
        pooled.learn(KnownText("", text_id, text))
    settled(driven, 1)
    pooled.unload()
    pooled.learn(KnownText("", "c", "three"))
    driven.ask(PROMPT)
    assert [backend.texts for backend in backends] == [
        [("a", "one"), ("b", "two"), ("a", None)],
        [("b", "two"), ("c", "three")],
    ]
