"""What a file's metadata say: which models only embed."""

from __future__ import annotations

import gguf
import pytest
import tiny_models

from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.metadata import embeds
from pylot_ls.engine.types import LoadFailed

LLAMA = {
    "general.architecture": "llama",
    "llama.block_count": "6",
    "llama.embedding_length": "192",
    "llama.attention.head_count": "3",
    "llama.attention.head_count_kv": "1",
}


@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, False), ({"llama.pooling_type": "0"}, False), ({"llama.pooling_type": "3"}, True)]
    + [({"llama.attention.causal": value}, value == "false") for value in ("true", "false")],
)
def test_a_model_that_pools_or_looks_both_ways_embeds(said, expected):
    assert embeds({**LLAMA, **said}.get) is expected


def test_an_embedding_model_is_not_loaded_to_complete(tmp_path, drive):
    tiny_models.write_tiny_model(tmp_path / "embed.gguf", "windowed", gguf.PoolingType.MEAN)
    state = drive(LlamaBackend(LlamaConfig(tmp_path / "embed.gguf", n_threads=1))).state()
    assert isinstance(state, LoadFailed)
    assert "encodes or embeds text and produces none; choose another model" in state.message
