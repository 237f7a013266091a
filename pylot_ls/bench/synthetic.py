"""Models with random weights at the shape of real ones: for timings only, what they write is noise.

The only importer of gguf, which is not installed with pylot-ls itself.
"""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pylot_ls import bundled
from pylot_ls.bench.vocabulary import CONTROL, QWEN_SPECIAL, Vocabulary, qwen_sized
from pylot_ls.config.folders import make_private
from pylot_ls.errors import ModelError, ModelNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np

PREFIX = "synthetic:"

# Part of the file's name: raised whenever the same name would give other bytes.
_FORMAT = 2
_N_CTX_TRAIN = 32_768
_STANDARD_DEVIATION = 0.02
_SEED = 0
# How matrices are stored (ggml-common.h): weights in a block, and its bytes. A block of Q8_0 has 32 signed bytes behind
# their common scale, a half-precision number; one of Q4_K two such numbers, scales and then 256 weights of 4 bits.
_BLOCKS = {"Q8_0": (32, 34), "Q4_K": (256, 144)}
_Q8_LARGEST = 127
_ROPE_BASE = 1e6
_NORM_EPSILON = 1e-6
# Spreads the logits so far that one token or a few have nearly all the probability, as with a trained model. On a flat
# distribution llama-server's sampler for infill ends the text at once, and the sides would not decode the same.
_SHARPNESS = 25.0
# With tied embeddings it is the matrix of the logits too.
_EMBEDDING = "token_embd.weight"


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of a Qwen2 model with tied embeddings; widths are multiples of a block's weights."""

    n_layers: int
    n_embd: int
    n_heads: int
    n_kv_heads: int
    n_ff: int
    quantization: str = "Q8_0"


# From the config.json of Qwen2.5-Coder-0.5B and -1.5B.
SHAPES = {
    "qwen2.5-coder-0.5b": Shape(n_layers=24, n_embd=896, n_heads=14, n_kv_heads=2, n_ff=4864),
    "qwen2.5-coder-1.5b": Shape(n_layers=28, n_embd=1536, n_heads=12, n_kv_heads=2, n_ff=8960),
}


def synthetic_model(name: str, folder: Path, shapes: Mapping[str, Shape] | None = None) -> Path:
    """The file of a synthetic model in a folder; it is made if it is not there.

    Args:
        name: a key of the shapes.
        folder: the user's own; made if need be.
        shapes: by name; without them SHAPES.

    Raises:
        ModelNotFoundError: there is no such shape.
        ModelError: gguf is missing, or the file cannot be written.
        SettingsError: the folder cannot be used.
    """
    known = SHAPES if shapes is None else shapes
    if name not in known:
        raise ModelNotFoundError(f"no synthetic model {name!r}; choose one of {', '.join(known)}")
    path = folder / f"{name}-{_FORMAT}.gguf"
    if not path.is_file():
        make_private(folder)
        write_model(path, known[name], f"{PREFIX}{name}")
    return path


def write_model(path: Path, shape: Shape, name: str) -> None:
    """Write a model; the same arguments give the same bytes.

    Raises:
        ModelError: gguf is missing, or the file cannot be written.
    """
    gguf = _import_gguf()
    # Under another name until it is whole: a load meanwhile, or after an interruption, must not find half a model.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        _write(gguf, unfinished, shape, name)
        unfinished.replace(path)
    except OSError as error:
        raise ModelError(f"cannot write the synthetic model {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _import_gguf() -> Any:
    try:
        import gguf  # noqa: PLC0415 - an extra: only who asks for a synthetic model needs it
    except ImportError as error:
        raise ModelError("synthetic models need the package gguf: pip install 'pylot-ls[bench]'") from error
    return gguf


def _write(gguf: Any, path: Path, shape: Shape, name: str) -> None:
    writer = gguf.GGUFWriter(path, "qwen2")
    try:
        _add_description(gguf, writer, shape, name)
        vocabulary = qwen_sized(_bundled_vocabulary(gguf))
        _add_vocabulary(writer, vocabulary)
        tensors = _tensors(shape, len(vocabulary.tokens))
        for tensor in tensors:
            writer.add_tensor_info(
                tensor.name,
                tensor.stored_shape,
                tensor.dtype,
                tensor.n_bytes,
                raw_dtype=gguf.GGMLQuantizationType[tensor.quantization] if tensor.is_matrix else None,
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        # One tensor in memory at a time: a model of 1.5 B parameters is written on a small machine too.
        for values in _values(tensors, vocabulary.kinds.index(CONTROL)):
            writer.write_tensor_data(values)
    finally:
        writer.close()


def _add_description(gguf: Any, writer: Any, shape: Shape, name: str) -> None:
    writer.add_name(name)
    writer.add_description("Random weights, for timings only; it cannot complete anything.")
    writer.add_context_length(_N_CTX_TRAIN)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layers)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_rope_freq_base(_ROPE_BASE)
    writer.add_layer_norm_rms_eps(_NORM_EPSILON)
    writer.add_file_type(_file_type(gguf, shape))


def _file_type(gguf: Any, shape: Shape) -> Any:
    kinds = gguf.LlamaFileType
    return kinds.MOSTLY_Q8_0 if shape.quantization == "Q8_0" else kinds.MOSTLY_Q4_K_S


def _bundled_vocabulary(gguf: Any) -> Vocabulary:
    fields = gguf.GGUFReader(bundled.bundled_model_path()).fields
    return Vocabulary(
        tuple(fields["tokenizer.ggml.tokens"].contents()),
        tuple(fields["tokenizer.ggml.token_type"].contents()),
        tuple(fields["tokenizer.ggml.merges"].contents()),
    )


def _add_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.kinds)
    writer.add_token_merges(vocabulary.merges)
    ids = {token: token_id for token_id, token in QWEN_SPECIAL.items()}
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_eos_token_id(ids["<|endoftext|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    for key, token in {
        "pre": "<|fim_prefix|>",
        "suf": "<|fim_suffix|>",
        "mid": "<|fim_middle|>",
        "pad": "<|fim_pad|>",
        "rep": "<|repo_name|>",
        "sep": "<|file_sep|>",
    }.items():
        writer.add_uint32(f"tokenizer.ggml.fim_{key}_token_id", ids[token])


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor to write: rows of quantised weights, or a vector of single-precision numbers.

    Attributes:
        n_rows: 0 for a vector.
        constant: the value of all numbers of a vector; None for random ones.
        quantization: of a matrix, a key of _BLOCKS.
    """

    name: str
    n_rows: int
    n_columns: int
    constant: float | None = None
    quantization: str = "Q8_0"

    @property
    def is_matrix(self) -> bool:
        return self.n_rows > 0

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """As an array of ``dtype``."""
        n_weights, n_bytes = _BLOCKS[self.quantization]
        return (self.n_rows, self.n_columns // n_weights * n_bytes) if self.is_matrix else (self.n_columns,)

    @property
    def dtype(self) -> np.dtype[Any]:
        import numpy as np  # noqa: PLC0415 - comes with gguf

        return np.dtype(np.uint8 if self.is_matrix else np.float32)

    @property
    def n_bytes(self) -> int:
        return math.prod(self.stored_shape) * self.dtype.itemsize


def _tensors(shape: Shape, n_vocab: int) -> list[_Tensor]:
    width, n_kv = shape.n_embd, shape.n_embd // shape.n_heads * shape.n_kv_heads
    tensors = [_Tensor(_EMBEDDING, n_vocab, width), _Tensor("output_norm.weight", 0, width, _SHARPNESS)]
    for layer in range(shape.n_layers):
        block = f"blk.{layer}."
        tensors += [
            _Tensor(block + "attn_norm.weight", 0, width, 1.0),
            _Tensor(block + "ffn_norm.weight", 0, width, 1.0),
            _Tensor(block + "attn_output.weight", width, width),
            _Tensor(block + "ffn_gate.weight", shape.n_ff, width),
            _Tensor(block + "ffn_up.weight", shape.n_ff, width),
            _Tensor(block + "ffn_down.weight", width, shape.n_ff),
        ]
        for letter, n_rows in (("q", width), ("k", n_kv), ("v", n_kv)):
            tensors.append(_Tensor(f"{block}attn_{letter}.weight", n_rows, width))
            tensors.append(_Tensor(f"{block}attn_{letter}.bias", 0, n_rows))
    return [replace(tensor, quantization=shape.quantization) for tensor in tensors]


def _values(tensors: list[_Tensor], first_control: int) -> Iterator[np.ndarray[Any, Any]]:
    """The values of the tensors in turn; tokens from ``first_control`` on have zeros.

    So their logits are zero, which is never the largest: a control token would end a suggestion.
    """
    import numpy as np  # noqa: PLC0415 - comes with gguf

    generator = np.random.default_rng(_SEED)
    # Weights are whole multiples of the scale, evenly spread; this scale gives them the standard deviation.
    scale = np.float16(_STANDARD_DEVIATION / np.sqrt(_Q8_LARGEST * (_Q8_LARGEST + 1) / 3))
    scale_bytes = np.frombuffer(scale.astype("<f2").tobytes(), np.uint8)
    for tensor in tensors:
        if tensor.is_matrix:
            n_weights, n_bytes = _BLOCKS[tensor.quantization]
            blocks = np.empty((tensor.n_rows, tensor.n_columns // n_weights, n_bytes), np.uint8)
            if tensor.quantization == "Q8_0":
                blocks[:, :, :2] = scale_bytes
                weights = generator.integers(-_Q8_LARGEST, _Q8_LARGEST + 1, blocks[:, :, 2:].shape, np.int8)
                blocks[:, :, 2:] = weights.view(np.uint8)
            else:  # any scales do: nobody reads what such a model says
                blocks[:, :, :4] = np.tile(scale_bytes, 2)
                blocks[:, :, 4:] = generator.integers(0, 256, blocks[:, :, 4:].shape, np.uint8)
            if tensor.name == _EMBEDDING:
                blocks[first_control:] = 0
            yield blocks.reshape(tensor.stored_shape)
        elif tensor.constant is not None:
            yield np.full(tensor.stored_shape, tensor.constant, np.float32)
        else:
            yield generator.standard_normal(tensor.stored_shape, np.float32) * np.float32(_STANDARD_DEVIATION)
