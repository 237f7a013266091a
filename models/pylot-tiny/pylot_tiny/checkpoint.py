"""What training needs to go on, in a file that is always whole."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from pylot_tiny.model import Network
from pylot_tiny.sizes import Size

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class Progress:
    """How far training is.

    Attributes:
        n_steps, n_tokens: done so far, over all runs.
        minutes: of processor time a thread, over all runs; while the process is stopped none passes.
        anneal_from: of those minutes, where the rates began to fall; None before that.
        anneal_minutes: how long they fall.
        history: of each evaluation, the numbers that were logged.
    """

    n_steps: int = 0
    n_tokens: int = 0
    minutes: float = 0.0
    anneal_from: float | None = None
    anneal_minutes: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether the rates have fallen to zero."""
        return self.anneal_from is not None and self.minutes >= self.anneal_from + self.anneal_minutes


def save(path: Path, network: Network, optimizers: list[torch.optim.Optimizer], progress: Progress) -> None:
    """Write a checkpoint in place of the one before.

    Raises:
        OSError: it cannot be written; the one before is still there.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        torch.save(
            {
                "size": dataclasses.asdict(network.size),
                "weights": network.state_dict(),
                "optimizers": [each.state_dict() for each in optimizers],
                "progress": dataclasses.asdict(progress),
            },
            unfinished,
        )
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: Path) -> tuple[Network, list[Any], Progress]:
    """The network, the optimisers' states and the progress of a checkpoint.

    Raises:
        OSError: it cannot be read.
        RuntimeError: it is no checkpoint, or of another network than it says.
    """
    saved = torch.load(path, map_location="cpu", weights_only=True)
    network = Network(Size(**saved["size"]))
    network.load_state_dict(saved["weights"])
    return network, saved["optimizers"], Progress(**saved["progress"])
