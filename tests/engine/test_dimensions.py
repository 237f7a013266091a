"""The dimensions of models of several architectures, from their files."""

from __future__ import annotations

import pytest
import tiny_models
from tiny_models import D_CONV, D_INNER, D_STATE, N_EMBD, N_FF, N_HEADS, N_LAYERS, N_SHIFT

from pylot_ls.bench.synthetic import Shape, write_model
from pylot_ls.engine.dimensions import Dimensions, dimensions_of_header
from pylot_ls.engine.gguf_header import GgufHeader, TensorInfo, read_header
from pylot_ls.engine.memory import dimensions_of

HEAD = N_EMBD // N_HEADS
LLAMA = {
    "general.architecture": "llama",
    "llama.block_count": "3",
    "llama.embedding_length": "192",
    "llama.feed_forward_length": "576",
    "llama.attention.head_count": "3",
    "llama.attention.head_count_kv": "1",
    "llama.context_length": "512",
}
ATTENTION = {f"blk.{layer}.attn_k.weight": TensorInfo((192, 64), 8, 10) for layer in range(3)}


def dimensions(metadata, tensors=ATTENTION):
    return dimensions_of_header(GgufHeader(metadata, {}, {"tokenizer.ggml.tokens": 100}, tensors, 30))


@pytest.fixture
def tiny(tmp_path):
    def make(kind):
        tiny_models.write_tiny_model(tmp_path / f"{kind}.gguf", kind)
        return dimensions_of(tmp_path / f"{kind}.gguf")

    return make


def test_a_head_is_as_wide_as_its_share_unless_it_is_said():
    made = dimensions(LLAMA)
    assert (made.key_size, made.value_size) == (3 * 64, 3 * 64)
    wide = dimensions({**LLAMA, "llama.attention.key_length": "96", "llama.attention.value_length": "32"})
    assert (wide.key_size, wide.value_size) == (3 * 96, 3 * 32)


def test_heads_that_are_not_shared_each_have_their_own():
    assert dimensions({k: v for k, v in LLAMA.items() if "kv" not in k}).key_size == 3 * 3 * 64


def test_where_layers_differ_in_their_heads_each_counts_for_itself():
    assert dimensions({**LLAMA, "llama.attention.head_count_kv": "[1, 0, 2]"}).key_size == 3 * 64


def test_latent_attention_keeps_keys_alone():
    said = {"llama.attention.key_length": "576", "llama.attention.value_length": "512"}
    latent = dimensions({**LLAMA, **said, "llama.attention.key_length_mla": "192"})
    assert (latent.key_size, latent.value_size) == (3 * 576, 0)
    assert dimensions({**LLAMA, **said}).value_size == 3 * 512


def test_rows_that_are_no_whole_blocks_are_not_quantised():
    assert dimensions(LLAMA).quantises
    assert not dimensions({**LLAMA, "llama.attention.key_length": "80"}).quantises


def test_of_experts_those_of_a_token_count():
    said = {"llama.expert_used_count": "4", "llama.expert_feed_forward_length": "200"}
    assert dimensions({**LLAMA, **said}).n_ff == 800


def test_what_a_file_does_not_say_is_nothing():
    assert dimensions_of_header(GgufHeader({}, {}, {}, {}, 7)) == Dimensions(7)


@pytest.mark.parametrize("n_layers", [2**31 - 1, 2**32 - 1])
def test_layers_that_no_model_has_are_not_made_lists_of(n_layers):
    made = dimensions({**LLAMA, "llama.block_count": str(n_layers)})
    assert (made.n_layers, made.key_size) == (512, 3 * 64)


def test_a_model_with_windows_writes_down_twice_what_is_seen(tiny):
    windowed = tiny("windowed")
    assert windowed.n_masks == 2
    assert windowed.key_size == windowed.value_size == N_LAYERS * N_HEADS * HEAD
    assert (windowed.n_ff, windowed.state_size) == (N_FF, 0)


def test_a_recurrent_model_has_states_and_no_cells(tiny):
    recurrent = tiny("recurrent")
    assert (recurrent.key_size, recurrent.value_size, recurrent.n_state_layers) == (0, 0, N_LAYERS)
    assert recurrent.state_size == N_LAYERS * ((D_CONV - 1) * D_INNER + D_STATE * D_INNER)


def test_a_hybrid_model_has_both_each_in_its_layers(tiny):
    hybrid = tiny("hybrid")
    assert hybrid.key_size == N_LAYERS // 2 * N_HEADS * HEAD
    assert hybrid.state_size == N_LAYERS // 2 * (N_SHIFT - 1) * N_EMBD


def test_matrices_that_are_multiplied_are_counted_by_their_type(tmp_path):
    path = tmp_path / "q4.gguf"
    write_model(path, Shape(2, 256, 4, 2, 512, "Q4_K"), "q4")
    header, made = read_header(path), dimensions_of(path)
    assert set(made.kinds) == {12}
    # The embeddings are the matrix of the logits, too.
    assert made.kinds[12] > header.tensors["token_embd.weight"].n_bytes
    assert made.weights_bytes > made.kinds[12]
