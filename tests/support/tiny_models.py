"""Tiny models with random weights, one for each kind of memory whose KV cannot be cut, with the bundled vocabulary."""

from __future__ import annotations

import gguf
import numpy as np

from pylot_ls.bundled import bundled_model_path

N_EMBD, N_LAYERS, N_HEADS, N_FF = 64, 4, 2, 128
N_CTX_TRAIN = 2048
# Fewer tokens than any prompt has, so that most of a prompt is outside of it.
WINDOW = 24
D_INNER, D_STATE, D_CONV, DT_RANK = 2 * N_EMBD, 8, 4, 4
N_SHIFT = 3

# How far apart the logits are: some tokens shall be clearly the likeliest ones.
_SHARPNESS = 4.0


def _mamba(writer):
    """A state in all layers."""
    writer.add_head_count(0)
    writer.add_feed_forward_length(0)
    writer.add_ssm_conv_kernel(D_CONV)
    writer.add_ssm_inner_size(D_INNER)
    writer.add_ssm_state_size(D_STATE)
    writer.add_ssm_time_step_rank(DT_RANK)
    tensors = {"output_norm.weight": (N_EMBD,)}
    for block in _blocks():
        tensors |= {
            f"{block}attn_norm.weight": (N_EMBD,),
            f"{block}ssm_in.weight": (2 * D_INNER, N_EMBD),
            f"{block}ssm_conv1d.weight": (D_INNER, D_CONV),
            f"{block}ssm_conv1d.bias": (D_INNER,),
            f"{block}ssm_x.weight": (DT_RANK + 2 * D_STATE, D_INNER),
            f"{block}ssm_dt.weight": (D_INNER, DT_RANK),
            f"{block}ssm_dt.bias": (D_INNER,),
            f"{block}ssm_a": (D_INNER, D_STATE),
            f"{block}ssm_d": (D_INNER,),
            f"{block}ssm_out.weight": (N_EMBD, D_INNER),
        }
    return tensors


def _gemma2(writer):
    """A sliding window in every second layer."""
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(N_HEADS)
    writer.add_key_length(N_EMBD // N_HEADS)
    writer.add_value_length(N_EMBD // N_HEADS)
    writer.add_feed_forward_length(N_FF)
    writer.add_sliding_window(WINDOW)
    tensors = {"output_norm.weight": (N_EMBD,)}
    for block in _blocks():
        tensors |= {f"{block}{name}.weight": (N_EMBD,) for name in ("post_attention_norm", "post_ffw_norm")}
        tensors |= _attention(block) | _feed_forward(block)
    return tensors


def _lfm2(writer):
    """A state in every second layer, attention in the others."""
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv([N_HEADS if layer % 2 else 0 for layer in range(N_LAYERS)])
    writer.add_feed_forward_length(N_FF)
    writer.add_shortconv_l_cache(N_SHIFT)
    tensors = {"token_embd_norm.weight": (N_EMBD,)}
    for layer, block in enumerate(_blocks()):
        tensors |= _feed_forward(block)
        if layer % 2:
            tensors |= {f"{block}attn_{name}_norm.weight": (N_EMBD // N_HEADS,) for name in "qk"} | _attention(block)
        else:
            tensors |= {
                f"{block}attn_norm.weight": (N_EMBD,),
                f"{block}shortconv.conv.weight": (N_EMBD, N_SHIFT),
                f"{block}shortconv.in_proj.weight": (3 * N_EMBD, N_EMBD),
                f"{block}shortconv.out_proj.weight": (N_EMBD, N_EMBD),
            }
    return tensors


# By the kind of their memory.
ARCHITECTURES = {"recurrent": ("mamba", _mamba), "hybrid": ("lfm2", _lfm2), "windowed": ("gemma2", _gemma2)}


def write_tiny_model(path, kind, pooling=None):
    """Write a model of a kind of ``ARCHITECTURES``; with ``pooling`` one that embeds."""
    architecture, describe = ARCHITECTURES[kind]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(f"tiny {kind}")
    writer.add_context_length(N_CTX_TRAIN)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(N_LAYERS)
    writer.add_layer_norm_rms_eps(1e-6)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    n_vocab = _copy_vocabulary(writer)
    generator = np.random.default_rng(0)
    for name, shape in {"token_embd.weight": (n_vocab, N_EMBD), **describe(writer)}.items():
        writer.add_tensor(name, _values(generator, name, shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _blocks():
    return [f"blk.{layer}." for layer in range(N_LAYERS)]


def _attention(block):
    return {f"{block}attn_norm.weight": (N_EMBD,)} | {
        f"{block}attn_{name}.weight": (N_EMBD, N_EMBD) for name in ("q", "k", "v", "output")
    }


def _feed_forward(block):
    return {
        f"{block}ffn_norm.weight": (N_EMBD,),
        f"{block}ffn_gate.weight": (N_FF, N_EMBD),
        f"{block}ffn_up.weight": (N_FF, N_EMBD),
        f"{block}ffn_down.weight": (N_EMBD, N_FF),
    }


def _values(generator, name, shape):
    if name in {"output_norm.weight", "token_embd_norm.weight"}:
        return np.full(shape, _SHARPNESS, np.float32)
    if "norm" in name or name.endswith("ssm_d"):
        return np.ones(shape, np.float32)
    if name.endswith("ssm_a"):
        # States that fade slowly, so that all of a prompt counts.
        return -generator.uniform(0.001, 0.1, shape).astype(np.float32)
    scale = 0.1 if name == "token_embd.weight" else 1.5 / np.sqrt(shape[-1])
    return (generator.standard_normal(shape) * scale).astype(np.float32)


def _copy_vocabulary(writer):
    """Give the model the vocabulary of the bundled one; how many tokens that is."""
    fields = gguf.GGUFReader(bundled_model_path()).fields
    for key, field in fields.items():
        if key.startswith("tokenizer."):
            writer.add_key_value(
                key, field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None
            )
    return len(fields["tokenizer.ggml.tokens"].contents())
