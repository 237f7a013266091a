"""How a context of llama.cpp is laid out, and how long prompts and how much else it holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# Besides one prompt of full length, so many more tokens may stay resident: a decode step beside 7,600 foreign cells
# was measured to cost 1.1 times one without them.
_N_FURTHER_CELLS = 4096
# A batch has results for each sequence that decodes, or for each token of a draft. For each that is possible llama.cpp
# lays out memory as large as the vocabulary.
N_OUTPUTS = 16


@dataclass(frozen=True, slots=True)
class ContextShape:
    """How a context is laid out.

    Attributes:
        n_ctx: cells; every token of every sequence takes one, shared prefixes once.
        n_batch: most tokens in one evaluation.
        n_threads: processor threads.
        flash_attention: "auto", "off" or "on".
        n_sequences: how many sequences it can hold.
        kv_type: of keys and values, "f16" or "q8_0"; the latter needs flash attention.
        embeds: whether it turns texts into vectors; each is in one batch then, which has results for all its tokens.
        n_outputs: most tokens of one evaluation whose logits are wanted.
    """

    n_ctx: int
    n_batch: int
    n_threads: int
    flash_attention: str
    n_sequences: int = 1
    kv_type: str = "f16"
    n_outputs: int = N_OUTPUTS
    embeds: bool = False


def cells_for(n_ctx: int) -> int:
    """How many tokens' KV a context for prompts of this length holds."""
    return n_ctx + min(n_ctx, _N_FURTHER_CELLS)
