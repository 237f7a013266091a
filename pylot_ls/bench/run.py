"""What the sides of a benchmark have in common, so that they are compared on the same terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """How the model is run, by us and by whoever is compared with us.

    Attributes:
        command: starts our server.
        model: the GGUF file; None where no model runs.
        max_tokens: the most tokens decoded for one suggestion.
        n_ctx: tokens of context.
        n_threads: processor threads.
        n_gpu_layers: layers on a GPU, negative for all.
        flash_attention: "auto", "on" or "off".
    """

    command: tuple[str, ...]
    model: Path | None
    max_tokens: int
    n_ctx: int
    n_threads: int
    n_gpu_layers: int = -1
    flash_attention: str = "on"

    def environment(self) -> dict[str, str]:
        """The variables that give our server these settings, to measure what it costs.

        That is on suggestions of full length, as others decode them, be they good or not.
        """
        whole = {"PYLOT_LS_COMPLETION_CONFIDENCE": "0", "PYLOT_LS_COMPLETION_ANSWER_AFTER_MS": "0"}
        return {**self.usual_environment(), **whole}

    def usual_environment(self) -> dict[str, str]:
        """As ``environment``, with suggestions as the user's settings have them."""
        return {
            "PYLOT_LS_COMPLETION_MAX_TOKENS": str(self.max_tokens),
            "PYLOT_LS_MODEL_N_CTX": str(self.n_ctx),
            "PYLOT_LS_MODEL_N_THREADS": str(self.n_threads),
            "PYLOT_LS_MODEL_N_GPU_LAYERS": str(self.n_gpu_layers),
            "PYLOT_LS_MODEL_FLASH_ATTENTION": self.flash_attention,
            # What it prepares while nobody asks would slow down the peer, and the bare steps, that are measured then.
            "PYLOT_LS_COMPLETION_LOOK_AHEAD": "false",
            # Else a second run of the same trace finds on disk what the first evaluated, which no user types twice.
            "PYLOT_LS_CACHE_DISK_LIMIT_MB": "0",
        }
