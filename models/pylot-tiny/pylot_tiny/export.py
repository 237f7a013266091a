"""Step 4: from weights to GGUF, f16 and Q8_0, and back from a released file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np

from pylot_tiny.sizes import Size
from pylot_tiny.special import (
    END,
    FILE_SEPARATOR,
    FIM_MIDDLE,
    FIM_PAD,
    FIM_PREFIX,
    FIM_SUFFIX,
    REPOSITORY,
    SPECIAL,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    Weights = Mapping[str, np.ndarray[Any, Any]]

_LICENCE = "Apache-2.0"
# llama.cpp's name for how texts are cut before they are merged.
_PRE_TOKENIZER = "qwen2"
_NORMAL, _CONTROL = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
# What llama.cpp calls the weights of a block.
_BLOCK = {
    "attention_norm.weight": "attn_norm.weight",
    "attention.q.weight": "attn_q.weight",
    "attention.k.weight": "attn_k.weight",
    "attention.v.weight": "attn_v.weight",
    "attention.output.weight": "attn_output.weight",
    "ff_norm.weight": "ffn_norm.weight",
    "gate.weight": "ffn_gate.weight",
    "up.weight": "ffn_up.weight",
    "down.weight": "ffn_down.weight",
}


def gguf_names(size: Size) -> dict[str, str]:
    """What each weight is called in GGUF, by its name in the network."""
    names = {"embedding.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}
    for layer in range(size.n_layers):
        names |= {f"blocks.{layer}.{ours}": f"blk.{layer}.{theirs}" for ours, theirs in _BLOCK.items()}
    return names


def paired(rows: np.ndarray[Any, Any], n_heads: int) -> np.ndarray[Any, Any]:
    """The rows of a query or key matrix in the order in which RoPE turns neighbours instead of halves."""
    n_rows, n_columns = rows.shape
    return rows.reshape(n_heads, 2, n_rows // n_heads // 2, n_columns).swapaxes(1, 2).reshape(n_rows, n_columns)


def halved(rows: np.ndarray[Any, Any], n_heads: int) -> np.ndarray[Any, Any]:
    """The inverse of ``paired``."""
    n_rows, n_columns = rows.shape
    return rows.reshape(n_heads, n_rows // n_heads // 2, 2, n_columns).swapaxes(1, 2).reshape(n_rows, n_columns)


def export(weights: Weights, size: Size, tokenizer: Path, stem: Path) -> list[Path]:
    """Write ``<stem>-f16.gguf`` and ``<stem>-q8_0.gguf``.

    Args:
        weights: by their names in the network.
        size: the network's.
        tokenizer: its file.
        stem: the files' path without what tells them apart; its last part is the model's name.

    Raises:
        OSError: a file cannot be written.
    """
    kinds = {"f16": gguf.GGMLQuantizationType.F16, "q8_0": gguf.GGMLQuantizationType.Q8_0}
    written = []
    for ending, kind in kinds.items():
        path = stem.with_name(f"{stem.name}-{ending}.gguf")
        # Under another name until it is whole.
        unfinished = path.with_name(f"{path.name}.part")
        writer = gguf.GGUFWriter(unfinished, "llama")
        _describe(writer, size, stem.name, kind)
        _add_vocabulary(writer, tokenizer)
        _add_weights(writer, weights, size, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        unfinished.replace(path)
        written.append(path)
    return written


def _describe(writer: Any, size: Size, name: str, kind: Any) -> None:
    writer.add_name(name)
    writer.add_description("A very small fill-in-the-middle model for Python, trained from scratch on permissive code.")
    writer.add_license(_LICENCE)
    writer.add_languages(["en"])
    writer.add_tags(["python", "fill-in-the-middle"])
    writer.add_context_length(size.n_ctx)
    writer.add_embedding_length(size.n_embd)
    writer.add_block_count(size.n_layers)
    writer.add_feed_forward_length(size.n_ff)
    writer.add_head_count(size.n_heads)
    writer.add_head_count_kv(size.n_kv_heads)
    writer.add_rope_dimension_count(size.head_size)
    writer.add_rope_freq_base(size.rope_base)
    writer.add_layer_norm_rms_eps(size.norm_epsilon)
    writer.add_vocab_size(size.n_vocab)
    is_f16 = kind is gguf.GGMLQuantizationType.F16
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if is_f16 else gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_weights(writer: Any, weights: Weights, size: Size, kind: Any) -> None:
    for ours, theirs in gguf_names(size).items():
        values = weights[ours].astype(np.float32)
        if values.ndim == 1:
            writer.add_tensor(theirs, values)
            continue
        if n_heads := _n_turned(ours, size):
            values = paired(values, n_heads)
        writer.add_tensor(theirs, gguf.quants.quantize(values, kind), raw_dtype=kind)


def _n_turned(name: str, size: Size) -> int:
    """How many heads a matrix has whose rows RoPE turns; 0 for another matrix."""
    if name.endswith("attention.q.weight"):
        return size.n_heads
    return size.n_kv_heads if name.endswith("attention.k.weight") else 0


def _add_vocabulary(writer: Any, tokenizer: Path) -> None:
    tokens, merges = _tokens_and_merges(tokenizer)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL if number < len(SPECIAL) else _NORMAL for number in range(len(tokens))])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(END)
    writer.add_eos_token_id(END)
    writer.add_pad_token_id(END)
    writer.add_add_bos_token(False)
    for key, token in {
        "pre": FIM_PREFIX,
        "suf": FIM_SUFFIX,
        "mid": FIM_MIDDLE,
        "pad": FIM_PAD,
        "rep": REPOSITORY,
        "sep": FILE_SEPARATOR,
    }.items():
        writer.add_uint32(f"tokenizer.ggml.fim_{key}_token_id", token)


def _tokens_and_merges(path: Path) -> tuple[list[str], list[str]]:
    """The tokens by id, and the merges in their order, as GGUF wants them."""
    model = json.loads(path.read_text("utf-8"))["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return tokens, merges


def read_weights(path: Path) -> tuple[Size, dict[str, np.ndarray[Any, Any]]]:
    """The size and the weights of a file that ``export`` wrote; those of the f16 file are nearer to what they were."""
    reader = gguf.GGUFReader(path)

    def number(key: str) -> Any:
        return reader.fields[key].contents()

    size = Size(
        n_layers=number("llama.block_count"),
        n_embd=number("llama.embedding_length"),
        n_heads=number("llama.attention.head_count"),
        n_kv_heads=number("llama.attention.head_count_kv"),
        n_ff=number("llama.feed_forward_length"),
        n_vocab=number("llama.vocab_size"),
        n_ctx=number("llama.context_length"),
        rope_base=number("llama.rope.freq_base"),
    )
    by_name = {tensor.name: tensor for tensor in reader.tensors}
    weights = {}
    for ours, theirs in gguf_names(size).items():
        tensor = by_name[theirs]
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        n_heads = _n_turned(ours, size)
        weights[ours] = halved(values, n_heads) if n_heads else values
    return size, weights


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json of the corpus that it was trained on")
    parser.add_argument("stem", type=Path, help="path of the files to write, without -f16.gguf and -q8_0.gguf")
    options = parser.parse_args()
    # Imported here: all else works without torch.
    from pylot_tiny.checkpoint import load  # noqa: PLC0415

    network, _, _ = load(options.checkpoint)
    export(network.as_arrays(), network.size, options.tokenizer, options.stem)


if __name__ == "__main__":
    main()
