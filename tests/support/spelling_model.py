"""A tiny model with random weights that spells: a vocabulary as Llama's, of single characters and special tokens.

It stands in for the tiny models that llama-server's own tests fetch: it begins texts with a token, fills holes, has
ChatML's tokens, and never ends a text by itself.
"""

from __future__ import annotations

import string

import gguf
import numpy as np

N_EMBD, N_LAYERS, N_HEADS, N_FF, N_CTX_TRAIN = 64, 2, 2, 128, 2048
_SPECIAL = ("<unk>", "<s>", "</s>")
_FIM = {"pre": "<fim_prefix>", "suf": "<fim_suffix>", "mid": "<fim_middle>"}
_CHAT = ("<|im_start|>", "<|im_end|>")
_SPACE = "▁"
_CHARACTERS = (_SPACE, *string.ascii_letters, *string.digits, *string.punctuation)
_SHARPNESS = 1.0


def write_spelling_model(path) -> None:
    """Write it; the same bytes each time."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("spelling")
    writer.add_context_length(N_CTX_TRAIN)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(N_LAYERS)
    writer.add_feed_forward_length(N_FF)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(N_EMBD // N_HEADS)
    tokens, kinds = _add_vocabulary(writer)
    random = np.random.default_rng(0)
    for name, shape in _tensors(len(tokens)).items():
        values = np.ones(shape) if len(shape) == 1 else random.normal(0, shape[-1] ** -0.5, shape)
        if name == "output.weight":
            values *= _SHARPNESS
            # What is no character is never said.
            values[[kind != gguf.TokenType.NORMAL for kind in kinds]] = 0
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer):
    n_bytes = 256
    tokens = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(n_bytes)), *_CHARACTERS, *_FIM.values(), *_CHAT]
    kind = gguf.TokenType
    kinds = [
        kind.UNKNOWN, kind.CONTROL, kind.CONTROL, *[kind.BYTE] * n_bytes, *[kind.NORMAL] * len(_CHARACTERS),
        *[kind.CONTROL] * (len(_FIM) + len(_CHAT)),
    ]  # fmt: skip
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    for name, text in _FIM.items():
        writer.add_uint32(f"tokenizer.ggml.fim_{name}_token_id", tokens.index(text))
    return tokens, kinds


def _tensors(n_vocab):
    found = {
        "token_embd.weight": (n_vocab, N_EMBD),
        "output_norm.weight": (N_EMBD,),
        "output.weight": (n_vocab, N_EMBD),
    }
    for block in range(N_LAYERS):
        name = f"blk.{block}."
        found |= {f"{name}attn_norm.weight": (N_EMBD,), f"{name}ffn_norm.weight": (N_EMBD,)}
        found |= {f"{name}attn_{each}.weight": (N_EMBD, N_EMBD) for each in ("q", "k", "v", "output")}
        found |= {f"{name}ffn_{each}.weight": (N_FF, N_EMBD) for each in ("gate", "up")}
        found[f"{name}ffn_down.weight"] = (N_EMBD, N_FF)
    return found
