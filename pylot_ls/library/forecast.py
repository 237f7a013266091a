"""How much memory a model will take, and whether this machine has it: a forecast, made before anything is loaded. Pure.

Exact it is not: the weights of a file that is not here yet are reckoned from their number, and what llama.cpp needs
while it computes depends on its version and on the processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.engine.manifest import KvShape, Manifest, ModelFile

# Bits a weight takes, with its share of the scales, averaged over whole models (K mixes hold some tensors in more).
_BITS = {"Q4_0": 4.6, "Q4_K_S": 4.7, "Q4_K_M": 4.9, "Q5_K_M": 5.7, "Q6_K": 6.6, "Q8_0": 8.5, "F16": 16.0, "BF16": 16.0}
_BITS_ELSE = 8.5
# Buffers of the computation, the libraries, Python itself.
_OVERHEAD_BYTES = 512 * 2**20
# What is left to the editor, its language servers and everything else.
_SHARE_OF_MEMORY = 0.75


@dataclass(frozen=True, slots=True)
class Forecast:
    """Memory that a model will take, in bytes."""

    weights_bytes: int
    kv_bytes: int
    overhead_bytes: int = _OVERHEAD_BYTES

    @property
    def needed_bytes(self) -> int:
        """All of it."""
        return self.weights_bytes + self.kv_bytes + self.overhead_bytes

    def fits(self, total_bytes: int) -> bool:
        """Whether a machine with so much memory runs it, and something else beside it."""
        return self.needed_bytes <= total_bytes * _SHARE_OF_MEMORY


def forecast(weights_bytes: int, kv: KvShape | None, n_cells: int) -> Forecast:
    """The memory for weights and a context of so many cells; ``kv`` is None where nothing is kept, or not known."""
    return Forecast(weights_bytes, kv.bytes_per_token * n_cells if kv else 0)


def weights_bytes(manifest: Manifest, file: ModelFile) -> int:
    """The size of a file on the hub: what the manifest says, else reckoned from the number of parameters."""
    return file.size_bytes or int(manifest.n_params * _BITS.get(file.quantization, _BITS_ELSE) / 8)
