"""How much memory a model takes once all of it has been used, in the process that runs it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls import machine
from pylot_ls.engine.bare import filler
from pylot_ls.engine.build_info import build_info
from pylot_ls.engine.kv_context import Outcome, Part
from pylot_ls.engine.loading import Loaded, load, load_embedder
from pylot_ls.errors import DecodeError, ModelError

if TYPE_CHECKING:
    from pylot_ls.engine.embedding import LoadedEmbedder
    from pylot_ls.engine.loading import LlamaConfig
    from pylot_ls.engine.memory_plan import MemoryPlan

# As many as a draft may have.
_N_LOGITS = 16


@dataclass(frozen=True, slots=True)
class Taken:
    """What a model was forecast to take, and takes, in bytes; the process without it is not counted.

    Attributes:
        n_ctx: tokens of context that it was given.
        n_cells: tokens that stood in it in the end.
    """

    forecast_bytes: int
    measured_bytes: int
    n_ctx: int
    n_cells: int


def measure(config: LlamaConfig) -> Taken:
    """Load a model as the backend does, fill its context in the largest batches there are, and compare.

    Raises:
        ModelError: it cannot be loaded.
        DecodeError: llama.cpp failed.
    """
    build_info()  # the libraries belong to the process
    before = machine.process_memory_bytes()
    loaded = (load_embedder if config.embeds else load)(config, lambda _fraction: True)
    with closing(loaded):
        plan = loaded.plan
        if plan is None:
            raise ModelError(f"{config.path} was loaded without a plan")
        if isinstance(loaded, Loaded):
            _fill(loaded, plan)
        else:
            _embed(loaded, plan)
        measured = machine.process_memory_bytes() - before
    return Taken(plan.footprint.resident_bytes, measured, plan.n_ctx, plan.shape.n_ctx)


def _embed(loaded: LoadedEmbedder, plan: MemoryPlan) -> None:
    """Embed one text as long as there may be, and as many as there may be at once."""
    n_batch, n_texts = plan.shape.n_batch, plan.shape.n_sequences
    tokens = tuple(filler(loaded.model.n_vocab, range(n_batch)))
    loaded.context.vectors([tokens])
    loaded.context.vectors([tokens[: n_batch // n_texts]] * n_texts)


def _fill(loaded: Loaded, plan: MemoryPlan) -> None:
    """Evaluate a prompt of full length and, in another sequence, what fits behind it."""
    context = loaded.context
    for seq, length in enumerate((plan.n_ctx, plan.shape.n_ctx - plan.n_ctx)):
        for start in range(0, length, context.n_batch):
            tokens = filler(loaded.model.n_vocab, range(start, min(start + context.n_batch, length)))
            part = Part(seq, start, tokens, min(_N_LOGITS, len(tokens)))
            if context.evaluate([part]) is not Outcome.DONE:
                raise DecodeError(f"a batch of {len(tokens)} tokens found no room behind {start} others")
            context.greedy()
