"""Texts to vectors: as many as there are texts, of length 1, whatever stands in the batch beside them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from dataclasses import replace

import gguf
import numpy as np
import pytest
import pytest_asyncio
import tiny_models
from turns import turn

from pylot_ls.engine.engine import Engine
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import LoadFailed
from pylot_ls.errors import EngineClosedError, ModelUnsupportedError, RequestError

TEXTS = ("def add(a, b):", "class Stack:\n    pass", "import os", "x = 1")


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    path = tmp_path_factory.mktemp("embed") / "tiny.gguf"
    tiny_models.write_tiny_model(path, "windowed", gguf.PoolingType.MEAN)
    return path


@pytest.fixture
def config(bundled_config, embedder):
    return replace(bundled_config, path=embedder, embeds=True, flash_attention="on")


@pytest_asyncio.fixture
async def engine(config):
    made = Engine(LlamaBackend(config))
    made.start()
    yield made
    await made.close()


def array(vector):
    return np.frombuffer(vector, "<f4")


@pytest.mark.asyncio
async def test_each_text_has_a_vector_of_length_one(engine):
    info = await engine.ready()
    vectors = [array(vector) for vector in await engine.embed(TEXTS)]
    assert info.n_embd == tiny_models.N_EMBD
    assert [vector.shape for vector in vectors] == [(tiny_models.N_EMBD,)] * len(TEXTS)
    assert [float(np.linalg.norm(vector)) for vector in vectors] == pytest.approx([1.0] * len(TEXTS), abs=1e-5)
    assert float(vectors[0] @ vectors[1]) < 0.999


@pytest.mark.asyncio
async def test_a_text_has_the_same_vector_alone_and_beside_others(engine):
    together = await engine.embed(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        (alone,) = await engine.embed((text,))
        assert float(array(alone) @ array(vector)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.asyncio
async def test_more_texts_than_fit_a_batch_and_longer_ones_than_the_model_sees_are_embedded(engine):
    vectors = await engine.embed((*TEXTS * 8, "word " * 5000, ""))
    assert len(vectors) == 34
    assert vectors[0] == pytest.approx(vectors[0])
    assert float(array(vectors[0]) @ array(vectors[4])) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.asyncio
async def test_it_says_how_many_tokens_each_text_was(engine):
    found = await engine.embedded((*TEXTS, "word " * 5000))
    assert len(found.vectors) == len(found.n_tokens) == len(TEXTS) + 1
    for text, n_tokens in zip(TEXTS, found.n_tokens[:-1], strict=True):
        assert n_tokens >= len(await engine.tokenize((TextSegment(text),)))
    assert max(found.n_tokens) == found.n_tokens[-1] < 5000


@pytest.mark.asyncio
async def test_a_text_may_be_given_as_its_tokens(engine):
    (as_text,), (n_tokens,) = (found := await engine.embedded(("import os",))).vectors, found.n_tokens
    tokens = engine._backend._loaded.model.tokenize_whole("import os")
    (as_tokens,) = (await engine.embedded((tokens,))).vectors
    assert n_tokens == len(tokens)
    assert float(array(as_tokens) @ array(as_text)) == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(RequestError, match="there is no token -1"):
        await engine.embedded(((1, -1),))
    (nothing, _) = (await engine.embedded(((), (1,)))).vectors
    assert len(array(nothing)) == tiny_models.N_EMBD


@pytest.mark.asyncio
async def test_its_vocabulary_can_be_asked_while_it_embeds(engine, monkeypatch):
    await engine.ready()
    context, has_asked = engine._backend._loaded.context, threading.Event()
    vectors = context.vectors

    def once_it_is_asked(texts):
        assert has_asked.wait(60)
        return vectors(texts)

    monkeypatch.setattr(context, "vectors", once_it_is_asked)
    embedding = asyncio.ensure_future(engine.embed(TEXTS * 100))
    await turn()
    asked = asyncio.ensure_future(engine.pieces((1, 2)))
    await turn()
    has_asked.set()
    assert len(await asked) == 2
    assert not embedding.done()
    assert len(await embedding) == len(TEXTS) * 100


@pytest.mark.asyncio
async def test_no_texts_have_no_vectors(engine):
    assert await engine.embed(()) == ()


@pytest.mark.asyncio
async def test_a_model_is_asked_for_what_it_does(engine, bundled_config):
    with pytest.raises(ModelUnsupportedError, match=r"tiny\.gguf gives vectors only"):
        await engine.prefill(())
    producing = Engine(LlamaBackend(bundled_config))
    producing.start()
    with pytest.raises(ModelUnsupportedError, match=r"\.gguf produces text only"):
        await producing.embed(("x",))
    await producing.close()


@pytest.mark.asyncio
async def test_a_request_that_is_cancelled_does_not_keep_the_next_one_waiting(engine, monkeypatch):
    await engine.ready()
    submitted, submit = asyncio.Event(), engine._backend.submit

    def submit_and_tell(request):
        submit(request)
        submitted.set()

    monkeypatch.setattr(engine._backend, "submit", submit_and_tell)
    asked = asyncio.ensure_future(engine.embed(TEXTS * 100))
    await submitted.wait()
    asked.cancel()
    assert len(await engine.embed(TEXTS)) == len(TEXTS)


@pytest.mark.asyncio
async def test_a_model_that_produces_text_does_not_embed(bundled_config, drive):
    state = drive(LlamaBackend(replace(bundled_config, embeds=True))).state()
    assert isinstance(state, LoadFailed)
    assert "produces text and no vectors; choose another model to embed with" in state.message


@pytest.mark.asyncio
async def test_the_pool_hands_it_out(config):
    pool = ModelPool({Role.COMPLETE: ScriptedBackend(), Role.EMBED: LlamaBackend(config)})
    engine = await pool.engine("embed")
    assert len(await engine.embed(TEXTS)) == len(TEXTS)
    await pool.close()
    with pytest.raises(EngineClosedError):
        await engine.embed(TEXTS)


def test_its_memory_is_forecast(config):
    options = {"path": str(config.path), "embeds": True, "n_threads": 1}
    command = (sys.executable, "-m", "pylot_ls.bench.memory_step", json.dumps(options))
    taken = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert taken["forecast_bytes"] / taken["measured_bytes"] == pytest.approx(1.0, abs=0.10)
