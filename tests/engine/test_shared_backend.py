"""Many sessions on one model: each hears of its own requests, ends its own, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import queue

import pytest

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_backend import SharedBackend
from pylot_ls.engine.shared_pool import SharedModels
from pylot_ls.engine.types import (
    Failed,
    Finished,
    FinishReason,
    GenerateRequest,
    Hole,
    KnownText,
    LoadFailed,
    Loading,
    Ready,
    Token,
)
from pylot_ls.errors import EngineClosedError, ModelUnreadableError, ModelUnsupportedError

PROMPT = (TextSegment("x = "),)


class Recording(ScriptedBackend):
    """Keeps what it was asked."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.requests, self.cancelled, self.texts = [], [], []
        self.n_starts = self.n_closes = self.n_reloads = 0

    def start(self, sink):
        self.n_starts += 1
        super().start(sink)

    def submit(self, request):
        self.requests.append(request)
        super().submit(request)

    def cancel(self, request_id):
        self.cancelled.append(request_id)
        super().cancel(request_id)

    def learn(self, text):
        self.texts.append(text)

    def close(self):
        self.n_closes += 1
        super().close()


class Ear:
    """Hears one session."""

    def __init__(self, backend):
        self.events = queue.Queue()
        self.backend = backend
        backend.start(self.events.put)

    def until(self, kind):
        heard = []
        while not heard or not isinstance(heard[-1], kind):
            heard.append(self.events.get(timeout=60))
        return heard


@pytest.fixture
def inner():
    return Recording("answered")


@pytest.fixture
def shared(inner):
    shared = SharedBackend(inner)
    yield shared
    shared.close()


def test_the_model_is_loaded_once_and_every_session_hears_that_it_is_ready(shared, inner):
    first = Ear(shared.of("a"))
    first.until(Ready)
    later = Ear(shared.of("b"))
    assert isinstance(later.until(Ready)[-1], Ready)
    assert inner.n_starts == 1
    assert shared.is_loaded


def test_equal_ids_of_two_sessions_are_two_requests_and_each_hears_its_own(shared, inner):
    one, two = Ear(shared.of("a")), Ear(shared.of("b"))
    for ear in (one, two):
        ear.backend.submit(GenerateRequest("1", PROMPT, 8, session="editor"))
    for ear in (one, two):
        heard = ear.until(Finished)
        assert {event.request_id for event in heard if isinstance(event, Token | Finished)} == {"1"}
        assert "".join(event.text for event in heard if isinstance(event, Token | Finished)) == "answered"
        assert sum(isinstance(event, Finished) for event in heard) == 1
    assert [each.session for each in inner.requests] == ["a/editor", "b/editor"]
    assert len({each.request_id for each in inner.requests}) == 2


def test_who_leaves_ends_its_own_requests_and_no_others(shared, inner):
    inner.pause()
    one, two = Ear(shared.of("a")), Ear(shared.of("b"))
    for ear in (one, two):
        ear.backend.submit(GenerateRequest("1", PROMPT, 8))
    one.backend.close()
    ended = one.until(Finished)[-1]
    assert ended.reason is FinishReason.CANCELLED
    assert inner.cancelled == ["a/1"]
    inner.resume()
    assert two.until(Finished)[-1].reason is FinishReason.END
    assert one.events.empty(), "nothing more is told to who has left"
    assert inner.n_closes == 0
    one.backend.submit(GenerateRequest("2", PROMPT, 8))
    assert one.until(Failed)[-1].kind == "EngineClosedError"


def test_once_a_session_is_closed_nothing_is_told_to_it(shared, inner):
    told = []
    session = shared.of("a")
    session.start(told.append)
    session.submit(GenerateRequest("1", PROMPT, 8))
    session.close()
    n_told = len(told)
    assert isinstance(told[-1], Finished)
    # Whoever was about to tell it something when it closed.
    session.receive(Ready(inner._info))
    session.receive(Token("1", "late", 1, 0.0, told[-1].usage))
    assert len(told) == n_told


def test_texts_are_learnt_for_their_session_alone_and_forgotten_when_it_ends(shared, inner):
    one, two = shared.of("a"), shared.of("b")
    for backend in (one, two):
        backend.learn(KnownText("", "file:///a.py", "canary"))
    one.learn(KnownText("", "file:///gone.py", "closed before"))
    one.learn(KnownText("", "file:///gone.py", None))
    inner.texts.clear()
    one.close()
    assert inner.texts == [KnownText("a", "file:///a.py", None)]
    one.learn(KnownText("", "file:///late.py", "too late"))
    assert len(inner.texts) == 1
    two.submit(GenerateRequest("1", PROMPT, 8, hole=Hole("file:///a.py", 0, 0)))
    assert inner.requests[-1].session == "b"


def test_a_model_that_cannot_be_loaded_says_so_to_every_session():
    shared = SharedBackend(Recording(load_failure=LoadFailed("damaged", "ModelUnreadableError")))
    for name in ("a", "b"):
        assert Ear(shared.of(name)).until(LoadFailed)[-1].message == "damaged"
    assert not shared.is_loaded
    shared.close()


def test_all_sessions_hear_that_a_model_is_loaded_again():
    class Reloading(Recording):
        is_loaded = True

        def reload(self):
            self.n_reloads += 1
            self._sink(Ready(self._info))

    inner = Reloading()
    shared = SharedBackend(inner)
    ears = [Ear(shared.of(name)) for name in ("a", "b")]
    for ear in ears:
        ear.until(Ready)
    ears[0].backend.reload()
    for ear in ears:
        assert [type(event) for event in ear.until(Ready)] == [Loading, Ready]
    assert inner.n_reloads == 1
    shared.close()


@pytest.mark.asyncio
async def test_a_pool_of_a_session_is_closed_and_the_models_stay():
    inner = Recording("answered")
    models = SharedModels({Role.COMPLETE: inner, Role.CHAT: inner})
    one, two = models.pool_of("a"), models.pool_of("b")
    for pool in (one, two):
        pool.start()
    assert await one.engine("chat") is one.complete
    await one.close()
    with pytest.raises(EngineClosedError):
        await one.engine("chat")
    assert (await two.engine("chat")).state == Ready(inner._info)
    assert two.models()[0].is_loaded
    assert inner.n_starts == 1
    await two.close()
    assert inner.n_closes == 0
    await models.close()
    assert inner.n_closes == 1


@pytest.mark.asyncio
async def test_roles_without_a_model_say_why_in_every_session():
    models = SharedModels({Role.COMPLETE: ScriptedBackend(), Role.CHAT: ModelUnreadableError("damaged")})
    pool = models.pool_of("a")
    pool.start()
    with pytest.raises(ModelUnreadableError):
        await pool.engine("chat")
    with pytest.raises(ModelUnsupportedError):
        await pool.engine("embed")
    await pool.close()
    await asyncio.wait_for(models.close(), 60)
