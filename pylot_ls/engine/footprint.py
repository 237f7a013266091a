"""How much memory a model takes with a context of some shape: a forecast, made before anything is loaded. Pure.

The sizes of what llama.cpp allocates follow from its source (version 0.3.36 of the bindings): the KV from
``llama-kv-cache.cpp``, the states from ``llama-hparams.cpp``, the buffers of the computation from the graphs of
``src/models`` as ``ggml-alloc.c`` lays them out, which keeps of each layer what is alive at its widest place.
``pylot-ls bench memory`` compares all of it with what a process is measured to take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.engine.context_shape import ContextShape
    from pylot_ls.engine.dimensions import Dimensions

# Bytes of an element of the KV: Q8_0 has a half-precision scale for each 32.
KV_ELEMENT_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
_BYTES_F32, _BYTES_F16 = 4, 2
_Q8_0 = 34 / 32
# llama.cpp rounds cells up to whole blocks of so many.
_CELL_BLOCK = 256
# Measured: llama.cpp's vocabulary and what it leaves behind of reading it, and ours by bytes.
_BYTES_PER_TOKEN, _BYTES_PER_MERGE = 240, 115
# Measured: libraries once they are used, threads, the graph itself.
_OVERHEAD_BYTES = 6 * 2**20
# A cell's entry in llama.cpp's and in our own books.
_BOOKS_BYTES_PER_CELL = 100
# Of a model whose dimensions are not known: the buffers of the computation of an ordinary one, and its vocabulary.
_COMPUTE_ELSE = 192 * 2**20
# ggml's numbers for types of weights (ggml.h).
_Q4_0, _Q8_0_KIND, _Q2_K, _Q4_K, _Q5_K, _Q6_K, _IQ4_NL, _MXFP4 = 2, 8, 10, 12, 13, 14, 20, 39


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a model takes, in bytes.

    Attributes:
        weights: of the file; its pages are shared by all who map it, and can be read again.
        repacked: copies of weights in an order that suits the processor.
        kv: keys and values of all cells, and the states of all sequences.
        compute: buffers of the computation, results included.
        vocabulary: llama.cpp's and ours.
        other: what belongs to none of these.
        device: how much of all this is on a GPU and not in the machine's memory.
    """

    weights: int
    kv: int = 0
    compute: int = 0
    vocabulary: int = 0
    repacked: int = 0
    other: int = _OVERHEAD_BYTES
    device: int = 0

    @property
    def resident_bytes(self) -> int:
        """What a process is seen to take once all of it has been used."""
        return self.needed_bytes + self.repacked

    @property
    def needed_bytes(self) -> int:
        """What the machine's memory has to have for it: pages of a file that were copied may go again."""
        return self.weights + self.kv + self.compute + self.vocabulary + self.other - self.device


def footprint(
    dimensions: Dimensions, shape: ContextShape, features: frozenset[str] = frozenset(), n_gpu_layers: int = 0
) -> Footprint:
    """The memory for a model and a context.

    Args:
        dimensions: of the model.
        shape: of the context.
        features: of the processor, as llama.cpp names them; some weights are copied for some.
        n_gpu_layers: how many layers are on a GPU with memory of its own.
    """
    return Footprint(
        weights=dimensions.weights_bytes,
        kv=_kv_bytes(dimensions, shape),
        compute=_compute_bytes(dimensions, shape),
        vocabulary=dimensions.n_vocab * _BYTES_PER_TOKEN + dimensions.n_merges * _BYTES_PER_MERGE,
        repacked=sum(dimensions.kinds.get(kind, 0) for kind in repacked_kinds(features)),
        other=_OVERHEAD_BYTES + dimensions.adapters_bytes,
        device=device_bytes(dimensions, shape, n_gpu_layers),
    )


def kv_bytes_per_cell(dimensions: Dimensions, kv_type: str) -> int:
    """What a token takes."""
    return int((dimensions.key_size + dimensions.value_size) * KV_ELEMENT_BYTES[kv_type])


def repacked_kinds(features: frozenset[str]) -> frozenset[int]:
    """The types of weights that llama.cpp copies into another order (ggml-cpu, repack.cpp and amx.cpp)."""
    kinds: set[int] = set()
    if "AVX2" in features:
        kinds |= {_Q4_0, _Q4_K, _IQ4_NL, _MXFP4}
    if "AVX512" in features:
        kinds |= {_Q2_K}
    if "DOTPROD" in features or "MATMUL_INT8" in features:
        kinds |= {_Q4_0, _Q4_K, _Q5_K, _Q6_K, _Q8_0_KIND, _IQ4_NL, _MXFP4}
    if "AMX_INT8" in features:
        kinds |= {_Q4_0, _Q4_K, _Q5_K, _Q6_K, _Q8_0_KIND}
    return frozenset(kinds) if "REPACK" in features or "AMX_INT8" in features else frozenset()


def _kv_bytes(dimensions: Dimensions, shape: ContextShape) -> int:
    n_cells = -(-shape.n_ctx // _CELL_BLOCK) * _CELL_BLOCK
    cells = n_cells * (kv_bytes_per_cell(dimensions, shape.kv_type) + _BOOKS_BYTES_PER_CELL)
    states = dimensions.state_size * _BYTES_F32 * (shape.n_sequences + 1)
    return cells + states


def _compute_bytes(dimensions: Dimensions, shape: ContextShape) -> int:
    if not dimensions.n_embd:
        return _COMPUTE_ELSE
    n_sequences = shape.n_sequences + 1
    n_cells = -(-shape.n_ctx // _CELL_BLOCK) * _CELL_BLOCK if dimensions.key_size else 0
    # The graph is laid out for as many tokens of each sequence.
    n_tokens = -(-shape.n_batch // n_sequences) * n_sequences
    is_fused = shape.flash_attention != "off"
    kv_width = (dimensions.key_size + dimensions.value_size) // max(1, dimensions.n_layers)
    mask = n_cells * n_tokens * (_BYTES_F16 if is_fused else _BYTES_F32) * dimensions.n_masks
    feed_forward = n_tokens * (3 * dimensions.n_ff + 4 * dimensions.n_embd) * _BYTES_F32 + mask
    attention = n_tokens * (5 * dimensions.n_embd + kv_width) * _BYTES_F32 + mask
    scores = n_tokens * n_cells * dimensions.n_heads
    work = int(n_tokens * max(dimensions.n_ff, dimensions.n_embd) * _Q8_0)
    if not is_fused:
        attention += scores * _BYTES_F32
        work = max(work, scores * _BYTES_F16)
    logits = shape.n_outputs * dimensions.n_vocab * _BYTES_F32
    last = logits + n_tokens * dimensions.n_embd * _BYTES_F32
    results = (shape.n_batch if shape.embeds else n_sequences) * dimensions.n_vocab * _BYTES_F32
    return max(feed_forward, attention, last) + work + results


def device_bytes(dimensions: Dimensions, shape: ContextShape, n_gpu_layers: int) -> int:
    """What so many layers, the output counted as one, take on a GPU."""
    if not n_gpu_layers:
        return 0
    share = min(1.0, n_gpu_layers / (dimensions.n_layers + 1))
    return int(share * (dimensions.weights_bytes + _kv_bytes(dimensions, shape))) + _compute_bytes(dimensions, shape)
