"""How large networks are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """The dimensions of a network; widths are multiples of 32, for Q8_0."""

    n_layers: int
    n_embd: int
    n_heads: int
    n_kv_heads: int
    n_ff: int
    n_vocab: int = 4096
    n_ctx: int = 2048
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5

    @property
    def head_size(self) -> int:
        """Elements of one head's key."""
        return self.n_embd // self.n_heads


# nano is for the smoke run, cpu what two cores teach in hours (3.1 M parameters), tiny (29 M) and small (86 M) what a
# GPU teaches.
SIZES = {
    "nano": Size(n_layers=2, n_embd=64, n_heads=2, n_kv_heads=1, n_ff=128, n_vocab=1024),
    "cpu": Size(n_layers=6, n_embd=192, n_heads=3, n_kv_heads=1, n_ff=512),
    "tiny": Size(n_layers=12, n_embd=448, n_heads=7, n_kv_heads=1, n_ff=1216, n_vocab=8192),
    "small": Size(n_layers=16, n_embd=704, n_heads=11, n_kv_heads=1, n_ff=1856, n_vocab=8192),
}
