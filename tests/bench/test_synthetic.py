"""Synthetic models are whole models: llama.cpp loads them, and they cut texts as the bundled one does."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from pylot_ls.bench import synthetic
from pylot_ls.bench.synthetic import Shape, synthetic_model, write_model
from pylot_ls.bench.vocabulary import CONTROL, NORMAL, QWEN_SIZE, QWEN_SPECIAL, Vocabulary, qwen_sized
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import FimTokens
from pylot_ls.errors import ModelError, ModelNotFoundError

TINY = Shape(n_layers=2, n_embd=64, n_heads=2, n_kv_heads=1, n_ff=96)
PROMPT = (
    MarkerSegment(Marker.FIM_PREFIX),
    TextSegment("def add(a, b):\n    return "),
    MarkerSegment(Marker.FIM_SUFFIX),
    TextSegment("\n\nprint(add(1, 2))\n"),
    MarkerSegment(Marker.FIM_MIDDLE),
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("synthetic") / "tiny.gguf"
    write_model(path, TINY, "synthetic:tiny")
    return path


def test_the_real_backend_runs_it(tiny, drive, bundled_config):
    backend = drive(LlamaBackend(replace(bundled_config, path=tiny)))
    info = backend.state().info
    assert (info.architecture, info.name, info.n_vocab) == ("qwen2", "synthetic:tiny", QWEN_SIZE)
    assert info.n_ctx_train == 32768
    assert info.fim == FimTokens(prefix=151659, suffix=151661, middle=151660)
    assert backend.ask(PROMPT, max_tokens=4).end.usage.tokens_decoded > 0


def test_it_cuts_texts_into_as_many_tokens_as_the_bundled_model(tiny, drive, bundled, bundled_config):
    backend = drive(LlamaBackend(replace(bundled_config, path=tiny)))
    ours, theirs = (each.ask(PROMPT, max_tokens=1).end.usage for each in (backend, bundled))
    assert ours.prompt_tokens == theirs.prompt_tokens


def test_it_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "SHAPES", {"tiny": TINY})
    path = synthetic_model("tiny", tmp_path / "cache")
    made = path.stat()
    again = synthetic_model("tiny", tmp_path / "cache").stat()
    assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_the_same_shape_gives_the_same_bytes(tiny, tmp_path):
    write_model(tmp_path / "again.gguf", TINY, "synthetic:tiny")
    assert (tmp_path / "again.gguf").read_bytes() == tiny.read_bytes()


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(_tensors, _first_control):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(synthetic, "_values", fail)
    with pytest.raises(ModelError, match=r"cannot write .*No space left"):
        write_model(tmp_path / "full.gguf", TINY, "synthetic:tiny")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_none_is_refused_with_the_choice(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"'llama'.*qwen2.5-coder-0.5b, qwen2.5-coder-1.5b"):
        synthetic_model("llama", tmp_path)


def test_without_gguf_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ModelError, match=r"pip install 'pylot-ls\[bench\]'"):
        synthetic_model("qwen2.5-coder-0.5b", tmp_path)


def test_a_vocabulary_is_filled_up_to_qwens_size():
    small = Vocabulary(("<|end|>", "a", "b", "ab", "aaaa"), (CONTROL, NORMAL, NORMAL, NORMAL, NORMAL), ("a b",))
    large = qwen_sized(small)
    assert len(large.tokens) == len(large.kinds) == len(set(large.tokens)) == QWEN_SIZE
    assert large.tokens[:4] == ("a", "b", "ab", "aaaa")
    assert large.merges == small.merges
    assert all(large.tokens[token_id] == token for token_id, token in QWEN_SPECIAL.items())
    assert all(kind == (NORMAL if token_id < 151643 else CONTROL) for token_id, kind in enumerate(large.kinds))
