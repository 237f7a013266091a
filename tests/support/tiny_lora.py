"""A LoRA adapter for the bundled model: a few matrices of rank 2, large enough to change what it says."""

from __future__ import annotations

import gguf
import numpy as np

RANK = 2
ALPHA = 4.0


def write_tiny_lora(path, model, *, architecture="llama", kind="adapter", way="lora", seed=1, change=None):
    """Write an adapter for a model file; ``change`` may replace the tensors (name to array)."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for tensor in gguf.GGUFReader(model).tensors:
        if tensor.name.endswith(("attn_q.weight", "ffn_up.weight")):
            n_in, n_out = (int(each) for each in tensor.shape[:2])
            tensors[f"{tensor.name}.lora_a"] = generator.standard_normal((RANK, n_in)).astype(np.float32)
            tensors[f"{tensor.name}.lora_b"] = generator.standard_normal((n_out, RANK)).astype(np.float32)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(kind)
    writer.add_string("adapter.type", way)
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name, values in (change(tensors) if change else tensors).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
