"""What a file's metadata say: what a token takes in memory, and which models only embed."""

from __future__ import annotations

import gguf
import pytest
import tiny_models

from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.manifest import KvShape
from pylot_ls.engine.metadata import embeds, kv_shape
from pylot_ls.engine.types import LoadFailed

LLAMA = {
    "general.architecture": "llama",
    "llama.block_count": "6",
    "llama.embedding_length": "192",
    "llama.attention.head_count": "3",
    "llama.attention.head_count_kv": "1",
}


def test_a_head_is_as_wide_as_its_share_unless_it_is_said():
    assert kv_shape(LLAMA.get) == KvShape(6, 1, 64, 64)
    wide = {**LLAMA, "llama.attention.key_length": "96", "llama.attention.value_length": "32"}
    assert kv_shape(wide.get) == KvShape(6, 1, 96, 32)


def test_heads_that_are_not_shared_each_have_their_own():
    assert kv_shape({k: v for k, v in LLAMA.items() if "kv" not in k}.get) == KvShape(6, 3, 64, 64)


@pytest.mark.parametrize("missing", [key for key in LLAMA if not key.endswith("_kv")])
def test_where_it_is_not_known_there_is_no_shape(missing):
    assert kv_shape({k: v for k, v in LLAMA.items() if k != missing}.get) is None


def test_where_layers_differ_there_is_no_shape():
    assert kv_shape({**LLAMA, "llama.attention.head_count_kv": "[0, 1, 0, 1, 0, 1]"}.get) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, False), ({"llama.pooling_type": "0"}, False), ({"llama.pooling_type": "3"}, True)]
    + [({"llama.attention.causal": value}, value == "false") for value in ("true", "false")],
)
def test_a_model_that_pools_or_looks_both_ways_embeds(said, expected):
    assert embeds({**LLAMA, **said}.get) is expected


def test_an_embedding_model_is_not_loaded_to_complete(tmp_path, monkeypatch, drive):
    architecture, describe = tiny_models.ARCHITECTURES["windowed"]

    def pooled(writer):
        writer.add_pooling_type(gguf.PoolingType.MEAN)
        return describe(writer)

    monkeypatch.setitem(tiny_models.ARCHITECTURES, "windowed", (architecture, pooled))
    tiny_models.write_tiny_model(tmp_path / "embed.gguf", "windowed")
    state = drive(LlamaBackend(LlamaConfig(tmp_path / "embed.gguf", n_threads=1))).state()
    assert isinstance(state, LoadFailed)
    assert "encodes or embeds text and produces none; choose another model" in state.message
