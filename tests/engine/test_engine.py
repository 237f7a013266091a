"""The engine as asyncio sees it, over a scripted backend."""

import asyncio
import contextlib

import pytest

from pylot_ls import errors
from pylot_ls.engine.engine import Engine
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, SCRIPTED_TEXT, ScriptedBackend
from pylot_ls.engine.types import Finished, FinishReason, LoadFailed, Loading, Ready, Sampling, Token

PROMPT = (TextSegment("text"),)


async def collect(engine, **kwargs):
    return [event async for event in engine.generate(PROMPT, **{"max_tokens": 16, **kwargs})]


def text_of(events):
    return "".join(event.text for event in events)


@pytest.mark.asyncio
async def test_a_stream_is_tokens_and_then_their_end(start_engine):
    events = await collect(start_engine(ScriptedBackend()))
    assert text_of(events) == SCRIPTED_TEXT
    assert all(isinstance(event, Token) for event in events[:-1])
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.END


@pytest.mark.asyncio
async def test_the_limits_reach_the_backend(start_engine):
    engine = start_engine(ScriptedBackend())
    assert text_of(await collect(engine, max_tokens=1)) == "scri"
    assert text_of(await collect(engine, stop=("sug",))) == "scripted_"


@pytest.mark.asyncio
@pytest.mark.parametrize("heal", [True, False])
async def test_whether_to_heal_reaches_the_backend(start_engine, watched_backend, heal):
    backend = watched_backend()
    assert text_of(await collect(start_engine(backend), heal=heal)) == SCRIPTED_TEXT
    assert backend.asked.get_nowait().heal is heal


@pytest.mark.asyncio
async def test_how_tokens_are_drawn_and_the_salt_reach_the_backend(start_engine, watched_backend):
    backend, sampling = watched_backend("one", others=("two",)), Sampling(seed=1)
    engine = start_engine(backend)
    events = await collect(engine, sampling=sampling, n_alternatives=3, salt="x")
    assert (text_of(events), len(events[0].alternatives)) == ("two", 3)
    request = backend.asked.get_nowait()
    assert (request.sampling, request.n_alternatives, request.salt) == (sampling, 3, "x")
    for asked in (engine.prefill(PROMPT, salt="y"), engine.restore(PROMPT, salt="y")):
        await asked
        assert backend.asked.get_nowait().salt == "y"


@pytest.mark.asyncio
async def test_streams_do_not_mix(start_engine):
    engine = start_engine(ScriptedBackend(lambda prompt: prompt[0].text * 3))

    async def ask(text):
        return text_of([event async for event in engine.generate((TextSegment(text),), max_tokens=99)])

    texts = [f"<{n}>" for n in range(20)]
    assert await asyncio.gather(*map(ask, texts)) == [text * 3 for text in texts]


@pytest.mark.asyncio
async def test_nothing_comes_while_paused_and_all_after_resume(start_engine, watched_backend):
    backend = watched_backend()
    engine = start_engine(backend)
    await engine.ready()
    backend.pause()
    answer = asyncio.create_task(collect(engine))
    await backend.asked.get()
    assert not answer.done()
    backend.resume()
    assert text_of(await answer) == SCRIPTED_TEXT


@pytest.mark.asyncio
async def test_closing_the_stream_cancels_the_request(start_engine, watched_backend):
    backend = watched_backend("endless " * 100_000)
    engine = start_engine(backend)
    async with contextlib.aclosing(engine.generate(PROMPT, max_tokens=1_000_000)) as events:
        async for event in events:
            assert event.text == "endl"
            break
    assert backend.cancelled == backend.submitted
    assert engine._streams == {}
    # Had it not ended, this would wait for 200,000 tokens.
    assert text_of(await collect(engine, max_tokens=1)) == "endl"


@pytest.mark.asyncio
async def test_cancelling_the_reader_cancels_the_request(start_engine, watched_backend):
    backend = watched_backend()
    engine = start_engine(backend)
    await engine.ready()
    backend.pause()
    reader = asyncio.create_task(collect(engine))
    await backend.asked.get()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert backend.cancelled == backend.submitted
    assert engine._streams == {}


@pytest.mark.asyncio
async def test_a_stream_read_to_its_end_cancels_nothing(start_engine, watched_backend):
    backend = watched_backend()
    await collect(start_engine(backend))
    assert backend.cancelled == []


@pytest.mark.asyncio
async def test_close_ends_the_streams_as_cancelled(start_engine, watched_backend):
    backend = watched_backend()
    engine = start_engine(backend)
    await engine.ready()
    backend.pause()
    readers = [asyncio.create_task(collect(engine)) for _ in range(2)]
    for _ in readers:
        await backend.asked.get()
    await engine.close()
    assert [(await reader)[-1].reason for reader in readers] == [FinishReason.CANCELLED] * 2


@pytest.mark.asyncio
async def test_after_close_there_is_a_clear_error(start_engine):
    engine = start_engine(ScriptedBackend())
    await engine.close()
    with pytest.raises(errors.EngineClosedError, match="the engine was closed"):
        await collect(engine)
    with pytest.raises(errors.EngineClosedError, match="the engine was closed"):
        await engine.ready()


@pytest.mark.asyncio
async def test_close_ends_the_wait_for_the_model(start_engine):
    backend = ScriptedBackend()
    backend.pause()
    engine = start_engine(backend)
    # Who waits began before.
    waited, closed = await asyncio.gather(engine.ready(), engine.close(), return_exceptions=True)
    assert isinstance(waited, errors.EngineClosedError)
    assert closed is None


@pytest.mark.asyncio
async def test_ready_tells_the_model(start_engine):
    assert await start_engine(ScriptedBackend()).ready() == SCRIPTED_MODEL


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("ModelNotFoundError", errors.ModelNotFoundError),
        ("ModelUnreadableError", errors.ModelUnreadableError),
        ("EngineError", errors.EngineError),
        ("ValueError", errors.EngineError),
        ("annotations", errors.EngineError),
    ],
)
@pytest.mark.asyncio
async def test_a_failed_load_is_the_error_its_kind_names(start_engine, kind, error):
    engine = start_engine(ScriptedBackend(load_failure=LoadFailed("no model here", kind)))
    for waits in (engine.ready(), collect(engine)):
        with pytest.raises(errors.PylotError, match="no model here") as raised:
            await waits
        assert type(raised.value) is error


@pytest.mark.asyncio
async def test_a_failed_request_is_an_error_and_the_next_is_served(start_engine):
    answers = iter([errors.RequestError("too long"), None])

    def script(_prompt):
        error = next(answers)
        if error:
            raise error
        return "fine"

    engine = start_engine(ScriptedBackend(script))
    with pytest.raises(errors.RequestError, match="too long"):
        await collect(engine)
    assert text_of(await collect(engine)) == "fine"


@pytest.mark.asyncio
async def test_listeners_get_the_state_at_once_and_each_change(start_engine):
    backend = ScriptedBackend()
    backend.pause()
    engine = start_engine(backend)
    early, late = [], []
    engine.listen(early.append)
    assert early == [Loading(0.0)]
    backend.resume()
    await engine.ready()
    engine.listen(late.append)
    assert early[-1] == Ready(SCRIPTED_MODEL)
    assert late == [Ready(SCRIPTED_MODEL)]


@pytest.mark.asyncio
async def test_listeners_hear_nothing_of_a_load_that_close_broke_off(start_engine):
    backend = ScriptedBackend(load_failure=LoadFailed("the engine was closed", "EngineClosedError"))
    backend.pause()
    engine = start_engine(backend)
    states = []
    engine.listen(states.append)
    await engine.close()
    assert {type(state) for state in states} == {Loading}


def test_events_after_the_loops_end_are_dropped():
    backend = ScriptedBackend()
    backend.pause()

    async def start():
        Engine(backend).start()

    asyncio.run(start())
    backend.resume()
    backend.close()
    assert not backend._thread.is_alive()


@pytest.mark.asyncio
async def test_what_is_evaluated_for_nobody_who_waits_is_counted_apart(start_engine):
    engine = start_engine(ScriptedBackend("some answer"))
    await engine.ready()
    prompt = (TextSegment("one two three four"),)
    [_ async for _ in engine.generate(prompt, max_tokens=4)]
    assert engine.background_tokens == 0
    usage = await engine.prefill((TextSegment("something else"),))
    assert engine.background_tokens == usage.tokens_evaluated > 0
