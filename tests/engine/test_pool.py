"""Engines by role: one for each model, loaded when it is needed, and a clear word where there is none."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import pytest
import pytest_asyncio

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.memory_plan import MIB
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.engine.shared_memory import SharedMemory
from pylot_ls.engine.types import Finished, LoadFailed, Token
from pylot_ls.errors import EngineClosedError, ModelNotFoundError, ModelTooLargeError, ModelUnsupportedError

pytestmark = pytest.mark.asyncio

PROMPT = (TextSegment("def add(a, b):\n    return a"),)


async def text_of(engine):
    async with aclosing(engine.generate(PROMPT, max_tokens=3)) as events:
        found = [event async for event in events]
    assert isinstance(found[-1], Finished)
    return "".join(event.text for event in found if isinstance(event, Token))


@pytest_asyncio.fixture
async def pool_of():
    """Make a pool; it is closed at the test's end."""
    pools = []

    def make(backends, store=None):
        pools.append(ModelPool(backends, store))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


async def test_roles_that_one_model_serves_have_one_engine(pool_of):
    backend = ScriptedBackend()
    pool = pool_of({Role.COMPLETE: backend, Role.CHAT: backend})
    pool.start()
    assert await pool.engine("chat") is await pool.engine(Role.COMPLETE) is pool.complete


async def test_a_model_is_loaded_when_it_is_first_needed(pool_of):
    begun = []

    def make(_memory, _give_way):
        begun.append(1)
        return ScriptedBackend()

    chat = PooledBackend(make, SharedMemory())
    pool = pool_of({Role.COMPLETE: ScriptedBackend(), Role.CHAT: chat})
    pool.start()
    await pool.complete.ready()
    assert begun == []
    first, second = await asyncio.gather(pool.engine("chat"), pool.engine("chat"))
    assert first is second is not pool.complete
    assert begun == [1]


async def test_a_role_without_a_model_says_how_to_get_one(pool_of):
    pool = pool_of({Role.COMPLETE: ScriptedBackend(), Role.CHAT: ModelNotFoundError("it is gone")})
    with pytest.raises(ModelUnsupportedError, match="no model is chosen for the role embed: pylot-ls models use NAME"):
        await pool.engine("embed")
    with pytest.raises(ModelNotFoundError, match="it is gone"):
        await pool.engine("chat")
    with pytest.raises(ValueError, match="'sing' is not a valid Role"):
        await pool.engine("sing")


async def test_a_model_that_cannot_chat_still_completes(pool_of):
    backend = ScriptedBackend(info=replace(SCRIPTED_MODEL, chats=False))
    pool = pool_of({Role.COMPLETE: backend, Role.CHAT: backend})
    pool.start()
    with pytest.raises(ModelUnsupportedError, match=r"scripted has no chat format .* models use NAME --role chat"):
        await pool.engine("chat")
    assert await pool.engine("complete") is pool.complete


async def test_what_failed_is_tried_again_when_it_is_asked_for(pool_of):
    backends = [ScriptedBackend(load_failure=LoadFailed("no room", "ModelTooLargeError")), ScriptedBackend()]
    chat = PooledBackend(lambda _memory, _give_way: backends.pop(0), SharedMemory())
    pool = pool_of({Role.COMPLETE: ScriptedBackend(), Role.CHAT: chat})
    with pytest.raises(ModelTooLargeError, match="no room"):
        await pool.engine("chat")
    assert (await (await pool.engine("chat")).ready()).name == "scripted"


async def test_after_the_end_nothing_is_loaded(pool_of):
    pool = pool_of({Role.COMPLETE: ScriptedBackend()})
    pool.start()
    await pool.close()
    with pytest.raises(EngineClosedError):
        await pool.engine("complete")


@pytest.fixture
def two_models(bundled_config, tmp_path):
    """Two files, and how each is run: with 19 MiB or a little less."""
    other = tmp_path / "other.gguf"
    other.write_bytes(bundled_config.path.read_bytes())
    return replace(bundled_config, n_ctx=256), replace(bundled_config, path=other, n_ctx=256)


def pooled(config, memory):
    return PooledBackend(partial(LlamaBackend, config), memory)


async def test_two_models_live_beside_each_other_where_there_is_room(pool_of, two_models):
    memory = SharedMemory(200 * MIB)
    first, second = (pooled(config, memory) for config in two_models)
    pool = pool_of({Role.COMPLETE: first, Role.EMBED: second})
    pool.start()
    await pool.complete.ready()
    await pool.engine("embed")
    assert first.is_loaded
    assert second.is_loaded
    assert memory.room().taken_bytes == sum(pool._engine(each).plan.needed_bytes for each in (first, second))


async def test_where_there_is_room_for_one_they_take_turns_and_every_request_is_answered(pool_of, two_models):
    memory = SharedMemory(26 * MIB)
    first, second = (pooled(config, memory) for config in two_models)
    pool = pool_of({Role.COMPLETE: first, Role.EMBED: second})
    pool.start()
    expected = await text_of(pool.complete)
    other = await pool.engine("embed")
    assert (first.is_loaded, second.is_loaded) == (False, True)
    # Both at once, several times: the one that is loaded finishes before it goes.
    answers = await asyncio.gather(*(text_of(engine) for engine in (other, pool.complete) * 3))
    assert answers == [expected] * 6


async def test_a_model_without_room_leaves_the_other_alone(pool_of, two_models):
    memory = SharedMemory(26 * MIB)
    first = pooled(two_models[0], memory)
    second = pooled(replace(two_models[1], cache_bytes=100 * MIB), memory)
    pool = pool_of({Role.COMPLETE: first, Role.EMBED: second})
    pool.start()
    await pool.complete.ready()
    with pytest.raises(ModelTooLargeError, match="there is no room for "):
        await pool.engine("embed")
    assert first.is_loaded
    assert isinstance(await text_of(pool.complete), str)


async def test_the_store_is_closed_once_after_all_backends(pool_of, bundled_config, tmp_path):
    class Store:
        closed = 0

        def close(self):
            self.closed += 1

    store = Store()
    pool = pool_of({Role.COMPLETE: ScriptedBackend()}, store)
    pool.start()
    await pool.close()
    assert store.closed == 1
    pool.store = None
