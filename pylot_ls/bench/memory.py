"""``bench memory``: what models are forecast to take of the memory, beside what a process with each takes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.figures import ratio
from pylot_ls.bench.synthetic import SHAPES, Shape, synthetic_model
from pylot_ls.errors import ClientError, ModelNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# A forecast may be off by so much.
LIMIT = 0.10
_TIMEOUT_S = 3600


@dataclass(frozen=True, slots=True)
class Case:
    """A model and how it is run.

    Attributes:
        shape: of the model.
        n_ctx: tokens of context; None for as much as the plan chooses.
        kv_type: of keys and values.
        flash_attention: "on" or "off".
    """

    shape: Shape
    n_ctx: int | None = 2048
    kv_type: str = "f16"
    flash_attention: str = "on"


# Each with something else that takes most: the vocabulary, the KV, feed-forward networks, scores of attention, copies
# of the weights.
_MIDDLE = Shape(n_layers=8, n_embd=512, n_heads=8, n_kv_heads=4, n_ff=2048)
CASES = {
    "vocabulary": Case(Shape(n_layers=2, n_embd=128, n_heads=2, n_kv_heads=1, n_ff=256)),
    "deep": Case(Shape(n_layers=24, n_embd=256, n_heads=4, n_kv_heads=4, n_ff=768)),
    "wide": Case(Shape(n_layers=2, n_embd=768, n_heads=12, n_kv_heads=2, n_ff=6144)),
    "middle": Case(_MIDDLE),
    "middle, q8_0 KV": Case(_MIDDLE, kv_type="q8_0"),
    "middle, no flash attention": Case(_MIDDLE, flash_attention="off"),
    "middle, Q4_K": Case(replace(_MIDDLE, quantization="Q4_K")),
}


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One case, in bytes: what the model takes over the process without it.

    Attributes:
        n_ctx: tokens of context that it was given.
        n_cells: tokens that stood in it when it was measured.
    """

    name: str
    kv_type: str
    flash_attention: str
    n_ctx: int
    n_cells: int
    forecast_bytes: int
    measured_bytes: int

    @property
    def ratio(self) -> float:
        """The forecast over what was measured."""
        return ratio(self.forecast_bytes, self.measured_bytes) or 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """All cases."""

    rows: tuple[MemoryRow, ...]

    @property
    def off_by(self) -> float:
        """How far the worst forecast is off, as a share."""
        return round(max((abs(row.ratio - 1) for row in self.rows), default=0.0), 3)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "shapes": [row.as_dict() for row in self.rows],
            "ours": {"off_by": self.off_by},
            "limit": {"off_by": LIMIT},
            "ratio": {"off_by": ratio(self.off_by, LIMIT)},
        }


def case_of(name: str) -> Case:
    """A case by its name, or a shape of the synthetic models as the plan would run it.

    Raises:
        ModelNotFoundError: there is none.
    """
    if name in CASES:
        return CASES[name]
    if name in SHAPES:
        return Case(SHAPES[name], n_ctx=None)
    raise ModelNotFoundError(f"there is no shape {name!r}; choose of: {'; '.join((*CASES, *SHAPES))}")


def bench_memory(
    names: Sequence[str], folder: Path, n_threads: int, on_case: Callable[[int], None] = lambda _done: None
) -> MemoryReport:
    """Measure each case in a process of its own.

    Args:
        names: see ``case_of``.
        folder: where the models lie; they are made if need be.
        n_threads: processor threads.
        on_case: told how many are done.

    Raises:
        ClientError: a process failed.
        ModelError: there is no such case, or its model cannot be made.
    """
    rows = []
    for name in names:
        rows.append(_measure(name, case_of(name), folder, n_threads))
        on_case(len(rows))
    return MemoryReport(tuple(rows))


def _measure(name: str, case: Case, folder: Path, n_threads: int) -> MemoryRow:
    stem = _stem(name, case.shape)
    path = synthetic_model(stem, folder, {stem: case.shape})
    options = {
        "path": str(path),
        "n_ctx": case.n_ctx,
        "kv_type": case.kv_type,
        "flash_attention": case.flash_attention,
        "n_threads": n_threads,
    }
    command = (sys.executable, "-m", "pylot_ls.bench.memory_step", json.dumps(options))
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise ClientError(f"{name} could not be measured: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return MemoryRow(name, case.kv_type, case.flash_attention, **json.loads(done.stdout))


def _stem(name: str, shape: Shape) -> str:
    """The name of the model's file, the same for the same shape: a real one's, or its dimensions."""
    if name in SHAPES:
        return name
    dimensions = (shape.n_layers, shape.n_embd, shape.n_heads, shape.n_kv_heads, shape.n_ff)
    return "-".join((*map(str, dimensions), shape.quantization))
