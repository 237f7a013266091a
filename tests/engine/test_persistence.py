"""What one backend evaluated, the next one finds: with the bundled model and a real store."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from pylot_ls.engine.identity import model_identity
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.loading import _rope_parts
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import GenerateRequest, Priority

SOURCE = "\n".join(f"def handler_{n}(request, response):\n    return response.{n}(request)\n" for n in range(40))


class Shelf:
    """A store that outlives the backends of a test."""

    def __init__(self):
        self.values = {}

    def get(self, key):
        return self.values.get(key)

    def put(self, key, value):
        self.values[key] = value

    def prefetch(self, keys, done):
        done(len(keys))

    def limit_memory(self, n_bytes):
        """It has no limit."""

    def flush(self, timeout_s):
        return timeout_s > 0

    def close(self):
        """Nothing is left to write."""


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def serve(drive, bundled_config, shelf, tmp_path):
    """Ask a backend of its own one prompt and close it; the answer."""

    def ask(*, keep=True, looks_ahead=False, **changes):
        persistence = PersistenceConfig(shelf, tmp_path / "models.json")
        backend = LlamaBackend(replace(bundled_config, persistence=persistence, **changes))
        driven = drive(backend)
        driven.state()
        backend._loaded.persistence._thread.join()
        prompt = (TextSegment(SOURCE, 400),)
        backend.submit(GenerateRequest("1", prompt, 8, keep=keep))
        answer = driven.answer("1")
        if looks_ahead:
            ahead = (*prompt, TextSegment("request"))
            backend.submit(GenerateRequest("2", ahead, 8, priority=Priority.BACKGROUND, keep=keep))
            assert driven.answer("2").end.usage.tokens_evaluated < 20
        backend.close()
        return answer

    return ask


def test_a_restarted_backend_evaluates_one_token_and_says_the_same(serve):
    first, second = serve(), serve()
    assert first.end.usage.tokens_reused == 0
    assert second.text == first.text
    assert (second.end.usage.tokens_reused, second.end.usage.tokens_evaluated) == (399, 1)


def test_a_look_ahead_leaves_to_be_kept_what_was(serve, shelf):
    serve(looks_ahead=True)
    n_kept = len(shelf.values)
    assert serve().end.usage.tokens_evaluated == 1
    assert len(shelf.values) == n_kept


def test_another_way_to_run_the_model_finds_nothing(serve):
    serve()
    assert serve(flash_attention="on").end.usage.tokens_reused == 0


def test_another_model_of_the_same_shape_finds_nothing(serve, model_path, tmp_path):
    """llama.cpp would take its KV: nothing in it says whose it is."""
    serve()
    other = tmp_path / "other.gguf"
    weights = bytearray(model_path.read_bytes())
    weights[-1] ^= 1
    other.write_bytes(weights)
    assert serve(path=other).end.usage.tokens_reused == 0
    assert serve().end.usage.tokens_reused == 399


def test_what_llama_cpp_does_not_take_is_evaluated(serve, shelf):
    first = serve()
    shelf.values = {key: value[: len(value) // 2] for key, value in shelf.values.items()}
    second = serve()
    assert second.text == first.text
    assert second.end.usage.tokens_reused == 0


def test_the_bytes_that_come_back_are_those_that_were_saved(serve, drive, bundled_config):
    serve()
    driven = drive(LlamaBackend(bundled_config))
    driven.state()
    driven.ask((TextSegment(SOURCE, 400),), 8)
    context = driven.backend._loaded.context
    seq = driven.backend._loaded.sequences.tree.sequences[-1]
    saved = context.save(seq, 0, 256)
    assert context.load(saved, 20, 0, 256)
    assert context.save(20, 0, 256) == saved
    assert not context.load(saved[:-9], 21, 0, 256)
    assert not context.load(saved, 21, 256, 512)
    assert context.n_stored(21) == 0
    context.remove_from(20, 0)


def test_what_must_leave_no_trace_leaves_none(serve, shelf):
    serve(keep=False)
    serve(keep=False, looks_ahead=True)
    assert not shelf.values
    serve()
    assert shelf.values


def test_the_identity_is_remembered_and_a_changed_file_is_another(tmp_path):
    model, memory = tmp_path / "m.gguf", tmp_path / "memory" / "models.json"
    model.write_bytes(b"one")
    first = model_identity(model, memory, lambda: True)
    assert model_identity(model, memory, lambda: pytest.fail("read again")) == first
    model.write_bytes(b"other")
    assert model_identity(model, memory, lambda: True) not in {first, None}
    assert model_identity(tmp_path / "none", memory, lambda: True) is None
    memory.write_text("[1, 2", encoding="utf-8")
    assert model_identity(model, memory, lambda: True) is not None


def test_reading_a_model_is_broken_off_when_it_is_no_longer_needed(tmp_path):
    model = tmp_path / "m.gguf"
    model.write_bytes(b"one")
    assert model_identity(model, tmp_path / "models.json", lambda: False) is None


def test_a_file_that_is_rewritten_with_its_time_set_back_is_another(tmp_path):
    model, memory = tmp_path / "model.gguf", tmp_path / "models.json"
    model.write_bytes(b"one")
    first, before = model_identity(model, memory, lambda: True), model.stat()
    model.write_bytes(b"two")
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert model_identity(model, memory, lambda: True) not in {first, None}


class Phi:
    """A model with two sets of factors, for contexts of up to 4096 tokens and beyond."""

    def metadata(self, key):
        phi = {"general.architecture": "phi3", "phi3.rope.scaling.original_context_length": "4096"}
        return phi.get(key)


class Llama:
    def metadata(self, key):
        return "llama" if key == "general.architecture" else None


def test_kv_of_a_context_that_rotates_otherwise_is_another():
    assert _rope_parts(Phi(), 4096) != _rope_parts(Phi(), 4097)
    assert _rope_parts(Llama(), 4096) == _rope_parts(Llama(), 4097)
