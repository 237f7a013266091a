"""A model's file that changes while it is loaded: the new one is loaded, or refused, and the user told."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from functools import partial

import pytest
import pytest_asyncio
from tiny_lora import write_tiny_lora

from pylot_ls.engine.adapters import Adapter
from pylot_ls.engine.engine import Engine
from pylot_ls.engine.file_watch import FileWatch
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.shared_memory import SharedMemory
from pylot_ls.engine.types import LoadFailed, Ready

pytestmark = pytest.mark.asyncio


class Watched:
    """A model in a file of its own, an engine on it, and what the user was told."""

    def __init__(self, config):
        self.path = config.path
        self.told = []
        self.watch = FileWatch(self.told.append)
        self.backend = PooledBackend(partial(LlamaBackend, config), SharedMemory())
        self.engine = Engine(self.backend)
        self.settled = asyncio.Queue()
        self.engine.listen(self._on_state)
        self.engine.start()

    def _on_state(self, state):
        if isinstance(state, Ready | LoadFailed):
            self.settled.put_nowait(state)

    async def look(self, n_times=2):
        """As often as it takes to be sure that a file is not being written any more."""
        for _ in range(n_times):
            await self.watch.look([self.backend])

    def replace(self, data):
        new = self.path.with_name("new.part")
        new.write_bytes(data)
        new.replace(self.path)


async def continuation(made):
    events = [each async for each in made.engine.generate((TextSegment("def add(a, b):\n"),), max_tokens=8)]
    return "".join(each.text for each in events)


def overwrite(path, data):
    with path.open("r+b") as file:
        file.write(data)


@pytest_asyncio.fixture
async def watched(bundled_config, tmp_path):
    made = []

    async def make(**changes):
        path = tmp_path / "model.gguf"
        path.write_bytes(bundled_config.path.read_bytes())
        made.append(Watched(replace(bundled_config, path=path, **changes)))
        await made[-1].settled.get()
        return made[-1]

    yield make
    for each in made:
        await each.engine.close()


@pytest.fixture
def renamed(model_path):
    """The bundled model under another name, as long."""
    name = model_path.stem.encode()
    return model_path.read_bytes().replace(name, name[::-1], 1)


async def test_a_file_that_stays_as_it_is_is_left_alone(watched):
    made = await watched()
    await made.look(5)
    assert made.settled.empty()
    assert made.backend.is_loaded


async def test_a_file_that_was_replaced_is_loaded_once_it_is_whole(watched, renamed, model_path):
    made = await watched()
    made.replace(renamed)
    await made.look(1)
    assert made.settled.empty()  # it may still be changing
    await made.look(1)
    state = await made.settled.get()
    assert state.info.name == model_path.stem[::-1]
    assert made.told == []
    await made.look()
    assert made.settled.empty()


async def test_requests_go_on_over_the_change(watched, renamed):
    made = await watched()
    usage = await made.engine.prefill((TextSegment("x = 1"),))
    made.replace(renamed)
    looked = asyncio.ensure_future(made.look())
    again = await made.engine.prefill((TextSegment("x = 1"),))
    await looked
    assert again.prompt_tokens == usage.prompt_tokens


async def test_a_file_that_cannot_be_used_is_refused_once_and_what_was_loaded_goes_on(watched, renamed):
    made = await watched()
    made.replace(b"no model at all, but as long as a header has to be")
    await made.look(5)
    (message,) = made.told
    assert "model.gguf has changed and cannot be used as it is now: " in message
    assert "is not a GGUF file" in message
    assert message.endswith("what was loaded goes on")
    assert made.backend.is_loaded
    assert (await made.engine.prefill((TextSegment("x = 1"),))).prompt_tokens > 0
    made.replace(renamed)
    await made.look()
    assert isinstance(await made.settled.get(), Ready)


async def test_a_file_that_is_gone_is_not_missed(watched):
    made = await watched()
    made.path.unlink()
    await made.look(5)
    assert made.told == []
    assert (await made.engine.prefill((TextSegment("x = 1"),))).prompt_tokens > 0


async def test_one_that_was_rewritten_in_place_is_loaded_again_and_told(watched, renamed):
    made = await watched()
    await asyncio.to_thread(overwrite, made.path, renamed)
    await made.look()
    assert isinstance(await made.settled.get(), Ready)
    assert made.told == ["model.gguf was rewritten in place; it is loaded again"]


@pytest.mark.parametrize("n_bytes", [10, 2_000_000])
async def test_one_that_was_cut_short_in_place_is_refused_and_what_was_loaded_goes_on(watched, n_bytes):
    made = await watched()
    before = await continuation(made)
    # The file's lease is given back on a thread, for which a thread has to wait.
    await asyncio.to_thread(os.truncate, made.path, n_bytes)
    await made.look(5)
    (message,) = made.told
    assert "model.gguf has changed and cannot be used as it is now: " in message
    assert made.backend.is_loaded
    await made.engine.prefill((TextSegment("y = 2"),))
    assert await continuation(made) == before


async def test_one_that_was_damaged_in_place_is_refused_and_what_was_loaded_goes_on(watched):
    made = await watched()
    await asyncio.to_thread(overwrite, made.path, bytes(64))
    await made.look()
    (message,) = made.told
    assert "is not a GGUF file" in message
    assert made.backend.is_loaded
    assert (await made.engine.prefill((TextSegment("x = 1"),))).prompt_tokens > 0


async def test_what_could_not_be_loaded_is_loaded_once_its_file_is_mended(bundled_config, tmp_path, renamed):
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(64))
    made = Watched(replace(bundled_config, path=path))
    try:
        assert isinstance(await made.settled.get(), LoadFailed)
        overwrite(path, bytes(65))
        await made.look()
        state = await made.settled.get()
        assert isinstance(state, LoadFailed)
        assert "is not a GGUF file" in state.message
        made.replace(renamed)
        await made.look()
        assert isinstance(await made.settled.get(), Ready)
    finally:
        await made.engine.close()


async def test_an_adapter_that_changes_counts_as_well(watched, tmp_path, model_path):
    lora = tmp_path / "lora.gguf"
    write_tiny_lora(lora, model_path)
    made = await watched(adapters=(Adapter(lora),))
    write_tiny_lora(tmp_path / "other.gguf", model_path, seed=2)
    (tmp_path / "other.gguf").replace(lora)
    await made.look()
    assert isinstance(await made.settled.get(), Ready)


async def test_a_model_that_is_not_loaded_is_not_looked_at(watched, renamed):
    made = await watched()
    made.backend.unload()
    made.replace(renamed)
    await made.look(3)
    assert made.settled.empty()
