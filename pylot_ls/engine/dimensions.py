"""The dimensions of a model on which the memory it takes depends. Pure.

They come from the header of its file, or, of a file that is not here, from its manifest (``known_models.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylot_ls.engine.gguf_header import GgufHeader

# Rows of keys and values are quantised in blocks of so many elements (Q8_0).
_BLOCK = 32
_LAYER = re.compile(r"blk\.(\d+)\.(.+)")
# Tensors that only a layer with a recurrent state has (llama.cpp, llama-arch.cpp).
_RECURRENT = ("ssm_", "shortconv", "time_mix")
# llama.cpp has room for no more (LLAMA_MAX_LAYERS, llama-hparams.h); a file that names two thousand million has no such
# layers, and must not have lists of that length made.
_MOST_LAYERS = 512
# What llama.cpp does not keep in the form of the file: the embeddings are looked up row by row.
_LOOKED_UP = "token_embd.weight"
_OUTPUT = "output.weight"


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What is known of a model's size; what is not is 0.

    Attributes:
        weights_bytes: of all tensors.
        n_layers: blocks, each of attention or of a state, and a feed-forward network.
        n_embd, n_ff, n_heads: widths; n_ff that of the widest layer, of all experts of a token together.
        n_vocab, n_merges: tokens, and what the tokenizer merges.
        n_ctx_train: tokens of context that it was trained on.
        key_size, value_size: elements that one cell of the context holds, over all layers.
        n_masks: which tokens each sees is written down once for all layers, or once more for those with a window.
        quantises: whether the rows of keys and values are whole blocks of a quantised type.
        state_size: elements of a sequence's recurrent state, over all layers.
        n_state_layers: how many layers have one.
        adapters_bytes: of the weights of its adapters.
        kinds: bytes of the matrices that are multiplied, by ggml's number of their type.
    """

    weights_bytes: int
    n_layers: int = 0
    n_embd: int = 0
    n_ff: int = 0
    n_heads: int = 0
    n_vocab: int = 0
    n_merges: int = 0
    n_ctx_train: int = 0
    key_size: int = 0
    value_size: int = 0
    n_masks: int = 1
    quantises: bool = True
    state_size: int = 0
    n_state_layers: int = 0
    adapters_bytes: int = 0
    kinds: Mapping[int, int] = field(default_factory=dict)


def dimensions_of_header(header: GgufHeader) -> Dimensions:
    """The dimensions of a file."""
    reader = _Keys(header.metadata)
    n_layers, n_embd, n_heads = (
        min(reader.number("block_count"), _MOST_LAYERS),
        reader.number("embedding_length"),
        reader.number("attention.head_count"),
    )
    head_size = reader.number("attention.key_length") or (n_embd // n_heads if n_heads else 0)
    value_size = reader.number("attention.value_length") or head_size
    kinds_of_layers = _kinds_of_layers(header, n_layers)
    heads = reader.per_layer("attention.head_count_kv", n_layers) or reader.per_layer("attention.head_count", n_layers)
    n_kv_heads = sum(n_each for n_each, (attends, _) in zip(heads, kinds_of_layers, strict=False) if attends)
    n_states = sum(1 for _, is_recurrent in kinds_of_layers if is_recurrent)
    # Multi-head latent attention keeps what keys and values are made of, as keys alone (llama-kv-cache.cpp).
    is_latent = reader.number("attention.key_length_mla") > 0
    return Dimensions(
        weights_bytes=header.n_bytes,
        n_layers=n_layers,
        n_embd=n_embd,
        n_ff=_n_ff(reader, header),
        n_heads=n_heads,
        n_vocab=header.lengths.get("tokenizer.ggml.tokens", 0),
        n_merges=header.lengths.get("tokenizer.ggml.merges", 0),
        n_ctx_train=reader.number("context_length"),
        key_size=n_kv_heads * head_size,
        value_size=0 if is_latent else n_kv_heads * value_size,
        n_masks=2 if reader.number("attention.sliding_window") else 1,
        quantises=head_size % _BLOCK == 0 and value_size % _BLOCK == 0,
        state_size=n_states * reader.state_size(n_embd),
        n_state_layers=n_states,
        kinds=_kinds(header),
    )


class _Keys:
    """Reads the numbers that a model's metadata say of its architecture."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        self._metadata = metadata
        self._architecture = metadata.get("general.architecture", "")

    def per_layer(self, key: str, n_layers: int) -> list[int]:
        """A number for each layer, whether the file gives one for all or a list; empty when absent."""
        text = self._metadata.get(f"{self._architecture}.{key}", "")
        found = (
            [int(part) for part in re.findall(r"\d+", text)] if not text or re.fullmatch(r"[\d, \[\]]+", text) else []
        )
        return found if text.startswith("[") else found * n_layers

    def number(self, key: str) -> int:
        """A number, the largest where there is one for each layer; 0 when absent."""
        return max(self.per_layer(key, 1), default=0)

    def state_size(self, n_embd: int) -> int:
        """Elements of one layer's recurrent state (llama.cpp, llama-hparams.cpp, n_embd_r and n_embd_s)."""
        wkv = self.number("wkv.head_size")
        if wkv:
            return n_embd * (wkv + (self.number("token_shift_count") or 2))
        if convolution := self.number("shortconv.l_cache"):
            return n_embd * (convolution - 1)
        if head := self.number("kda.head_dim"):
            n_inner = self.number("attention.head_count") * head
            return 3 * (max(1, self.number("ssm.conv_kernel")) - 1) * n_inner + head * n_inner
        inner, state, groups = (self.number(f"ssm.{key}") for key in ("inner_size", "state_size", "group_count"))
        return max(0, self.number("ssm.conv_kernel") - 1) * (inner + 2 * groups * state) + state * inner


def _kinds_of_layers(header: GgufHeader, n_layers: int) -> list[tuple[bool, bool]]:
    """Of each layer whether it keeps keys and values, and whether it has a recurrent state."""
    names: list[list[str]] = [[] for _ in range(n_layers)]
    for name in header.tensors:
        if (found := _LAYER.fullmatch(name)) and int(found[1]) < n_layers:
            names[int(found[1])].append(found[2])
    kinds = []
    for each in names:
        is_recurrent = any(name.startswith(_RECURRENT) for name in each)
        attends = any(name.startswith("attn_k") for name in each) or (
            not is_recurrent and any(name.startswith("attn_") for name in each)
        )
        kinds.append((attends, is_recurrent))
    return kinds


def _n_ff(reader: _Keys, header: GgufHeader) -> int:
    """How wide the feed-forward network is for a token."""
    n_experts = reader.number("expert_used_count")
    width = reader.number("feed_forward_length")
    if n_experts:
        shared = reader.number("expert_shared_feed_forward_length")
        width = max(width, n_experts * (reader.number("expert_feed_forward_length") or width) + shared)
    if not width:  # a model that does not say, as one with nothing but states
        width = max((info.shape[-1] for name, info in header.tensors.items() if "ssm_in" in name), default=0)
    return width


def _kinds(header: GgufHeader) -> dict[int, int]:
    kinds: dict[int, int] = {}
    is_tied = _OUTPUT not in header.tensors
    for name, info in header.tensors.items():
        is_matrix = len(info.shape) > 1 and min(info.shape[:2]) > 1
        if is_matrix and (name != _LOOKED_UP or is_tied):
            kinds[info.kind] = kinds.get(info.kind, 0) + info.n_bytes
    return kinds
