"""The network: llama's architecture with grouped-query attention, SwiGLU, RoPE and tied embeddings.

Touvron et al. 2023, "LLaMA: Open and Efficient Foundation Language Models"; Ainslie et al. 2023, "GQA"; Shazeer 2020,
"GLU Variants Improve Transformer"; Su et al. 2021, "RoFormer".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its customary name

if TYPE_CHECKING:
    import numpy as np

    from pylot_tiny.sizes import Size

IGNORED = -100  # what cross_entropy takes for no target
_STANDARD_DEVIATION = 0.02


class Attention(nn.Module):
    """Causal self-attention; keys and values are shared by groups of heads."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        n_kv = size.n_kv_heads * size.head_size
        self.q = nn.Linear(size.n_embd, size.n_embd, bias=False)
        self.k = nn.Linear(size.n_embd, n_kv, bias=False)
        self.v = nn.Linear(size.n_embd, n_kv, bias=False)
        self.output = nn.Linear(size.n_embd, size.n_embd, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """From and to (batch, tokens, n_embd)."""
        n_batch, n_tokens, _ = x.shape
        size = self.size

        def heads(projected: Tensor, n_heads: int) -> Tensor:
            return projected.view(n_batch, n_tokens, n_heads, size.head_size).transpose(1, 2)

        q = rotated(heads(self.q(x), size.n_heads), cos, sin)
        k = rotated(heads(self.k(x), size.n_kv_heads), cos, sin)
        v = heads(self.v(x), size.n_kv_heads)
        shared = size.n_heads // size.n_kv_heads
        k, v = (each.repeat_interleave(shared, dim=1) for each in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(n_batch, n_tokens, size.n_embd))


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE over halves; the export turns rows so that llama.cpp's pairs of neighbours give the same.

    Args:
        x: (batch, heads, tokens, head size).
        cos: (tokens, half of head size).
        sin: the same.
    """
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1).to(x.dtype)


class Block(nn.Module):
    """A layer: attention, then SwiGLU, each behind its norm."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(size.n_embd, eps=size.norm_epsilon)
        self.attention = Attention(size)
        self.ff_norm = nn.RMSNorm(size.n_embd, eps=size.norm_epsilon)
        self.gate = nn.Linear(size.n_embd, size.n_ff, bias=False)
        self.up = nn.Linear(size.n_embd, size.n_ff, bias=False)
        self.down = nn.Linear(size.n_ff, size.n_embd, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """From and to (batch, tokens, n_embd)."""
        x = x + self.attention(self.attention_norm(x), cos, sin)
        normed = self.ff_norm(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


class Network(nn.Module):
    """Tokens to the logits of those that follow."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(size.n_vocab, size.n_embd)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.n_layers))
        self.norm = nn.RMSNorm(size.n_embd, eps=size.norm_epsilon)
        angles = torch.outer(
            torch.arange(size.n_ctx, dtype=torch.float32),
            size.rope_base ** -(torch.arange(0, size.head_size, 2, dtype=torch.float32) / size.head_size),
        )
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                # What is added to the residual begins small (Radford et al. 2019, "Language Models are Unsupervised
                # Multitask Learners").
                into_residual = name.endswith(("output.weight", "down.weight"))
                scale = (2 * size.n_layers) ** -0.5 if into_residual else 1.0
                nn.init.normal_(parameter, std=_STANDARD_DEVIATION * scale)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, tokens, n_vocab) of tokens (batch, tokens)."""
        x = self.embedding(tokens)
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, cos, sin)
        return F.linear(self.norm(x), self.embedding.weight)

    def losses(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """The loss in nats at each place of targets (batch, tokens), 0 where they are IGNORED."""
        logits = self(tokens)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="none")

    def as_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """The weights by name, on the CPU and in single precision."""
        return {name: values.detach().float().cpu().numpy() for name, values in self.state_dict().items()}

    def n_params(self) -> int:
        """How many weights there are; the embedding counts once."""
        return sum(parameter.numel() for parameter in self.parameters())
