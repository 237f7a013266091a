"""Model files: llama.cpp reads what was written, and what was written can be read back."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.engine.types import FimTokens
from pylot_tiny import export
from pylot_tiny.sizes import SIZES, Size
from pylot_tiny.special import FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, SPECIAL

SIZE = Size(n_layers=2, n_embd=64, n_heads=2, n_kv_heads=1, n_ff=96, n_vocab=len(SPECIAL) + 256 + 1)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """A tokenizer's file with all bytes and one merge; byte-level BPE writes bytes as characters that can be seen."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelling = {byte: chr(byte) for byte in seen}
    spelling |= {byte: chr(256 + number) for number, byte in enumerate(sorted(set(range(256)) - set(seen)))}
    tokens = [*SPECIAL, *(spelling[byte] for byte in range(256)), "de"]
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    vocabulary = {token: number for number, token in enumerate(tokens)}
    path.write_text(json.dumps({"model": {"vocab": vocabulary, "merges": [["d", "e"]]}}))
    return path


def random_weights(size):
    generator = np.random.default_rng(0)
    n_kv = size.n_kv_heads * size.head_size
    shapes = {"embedding.weight": (size.n_vocab, size.n_embd), "norm.weight": (size.n_embd,)}
    for layer in range(size.n_layers):
        block = f"blocks.{layer}."
        shapes |= {
            block + "attention_norm.weight": (size.n_embd,),
            block + "attention.q.weight": (size.n_embd, size.n_embd),
            block + "attention.k.weight": (n_kv, size.n_embd),
            block + "attention.v.weight": (n_kv, size.n_embd),
            block + "attention.output.weight": (size.n_embd, size.n_embd),
            block + "ff_norm.weight": (size.n_embd,),
            block + "gate.weight": (size.n_ff, size.n_embd),
            block + "up.weight": (size.n_ff, size.n_embd),
            block + "down.weight": (size.n_embd, size.n_ff),
        }
    return {name: generator.standard_normal(shape).astype(np.float32) / 8 for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def written(tokenizer, tmp_path_factory):
    weights = random_weights(SIZE)
    return weights, export.export(weights, SIZE, tokenizer, tmp_path_factory.mktemp("files") / "some-model")


def test_both_files_are_read_back_as_they_were_but_for_their_precision(written):
    weights, paths = written
    assert [path.name for path in paths] == ["some-model-f16.gguf", "some-model-q8_0.gguf"]
    for path, error in zip(paths, (1e-3, 1e-2), strict=True):
        size, read = export.read_weights(path)
        assert size == SIZE
        assert set(read) == set(weights)
        for name, values in weights.items():
            np.testing.assert_allclose(read[name], values, atol=error)


def test_the_rows_that_rope_turns_are_put_in_pairs_and_back():
    rows = np.arange(16, dtype=np.float32).reshape(8, 2)
    # Two heads of four rows: what stood in halves stands side by side.
    assert export.paired(rows, 2)[:, 0].tolist() == [0, 4, 2, 6, 8, 12, 10, 14]
    np.testing.assert_array_equal(export.halved(export.paired(rows, 2), 2), rows)


def test_the_engine_knows_the_files_for_what_they_are(written, drive, bundled_config):
    for path in written[1]:
        check_model_file(path)
        info = drive(LlamaBackend(dataclasses.replace(bundled_config, path=path))).state().info
        assert (info.name, info.architecture, info.n_ctx_train) == ("some-model", "llama", 2048)
        assert info.fim == FimTokens(FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE)


@pytest.mark.parametrize("name", SIZES)
def test_every_size_can_be_quantised_and_its_heads_shared(name):
    size = SIZES[name]
    assert size.n_embd % 32 == size.n_ff % 32 == 0
    assert size.n_embd % size.n_heads == size.n_heads % size.n_kv_heads == 0
    assert size.head_size % 32 == 0
    assert size.n_ctx >= 2048
