"""What the metadata of a GGUF file say of a model, through a function that gives each value as text. Pure."""

from __future__ import annotations

from collections.abc import Callable

from pylot_ls.engine.manifest import KvShape

Metadata = Callable[[str], str | None]

# llama.cpp's way to say that the vectors of a text's tokens are not pooled into one.
_NOT_POOLED = "0"


def embeds(metadata: Metadata) -> bool:
    """Whether a model is made to turn texts into vectors, not to continue them."""
    architecture = metadata("general.architecture")
    pooling = metadata(f"{architecture}.pooling_type")
    return metadata(f"{architecture}.attention.causal") == "false" or pooling not in {None, _NOT_POOLED}


def kv_shape(metadata: Metadata) -> KvShape | None:
    """What each token takes; None where that is not the same in all layers, or not said."""
    architecture = metadata("general.architecture")

    def number(key: str) -> int:
        text = metadata(f"{architecture}.{key}") or ""
        return int(text) if text.isascii() and text.isdigit() else 0

    n_heads = number("attention.head_count")
    # Where layers differ in it, it is a list.
    n_kv_heads = number("attention.head_count_kv") if metadata(f"{architecture}.attention.head_count_kv") else n_heads
    n_layers, n_embd = number("block_count"), number("embedding_length")
    key_size = number("attention.key_length") or (n_embd // n_heads if n_heads else 0)
    value_size = number("attention.value_length") or key_size
    return KvShape(n_layers, n_kv_heads, key_size, value_size) if n_layers and n_kv_heads and key_size else None
