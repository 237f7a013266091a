"""The token run whose KV is in the context, and how the next prompt makes use of it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Outcome(enum.Enum):
    """How the evaluation of a batch ended."""

    DONE = enum.auto()
    ABORTED = enum.auto()


class KvContext(Protocol):
    """What this module needs of a llama.cpp context.

    Attributes:
        n_batch: most tokens in one evaluation.
        rolls_back: whether an aborted evaluation leaves no trace. A recurrent state is overwritten in place.
    """

    n_batch: int
    rolls_back: bool

    def decode(self, tokens: Sequence[int], position: int) -> Outcome:
        """Evaluate tokens at successive positions; at most ``n_batch`` of them; raises DecodeError."""

    def remove_from(self, position: int) -> bool:
        """Drop the KV from a position on; False when the model's memory refuses a partial removal."""

    def clear(self) -> None:
        """Drop all KV."""

    def n_stored(self) -> int:
        """How many positions hold KV."""


class ResidentRun:
    """Keeps the record of what the context holds equal to what it really holds.

    Attributes:
        tokens: the tokens whose KV is in the context, from position 0.
        n_evaluated: tokens submitted to the context so far, those of aborted batches included.
    """

    def __init__(self, context: KvContext) -> None:
        self._context = context
        self.tokens: list[int] = []
        self.n_evaluated = 0

    def rewind(self, prompt: Sequence[int]) -> int:
        """Drop what the prompt does not share; the number of its tokens that need no evaluation.

        The last token is always evaluated again: its logits are what the next token is chosen from.
        """
        n_shared = min(common_prefix(self.tokens, prompt), len(prompt) - 1)
        if n_shared < len(self.tokens) and not self._context.remove_from(n_shared):
            # A recurrent state cannot be rewound; all of it goes.
            self._context.clear()
            n_shared = 0
        del self.tokens[n_shared:]
        return n_shared

    def extend(self, tokens: Sequence[int]) -> Outcome:
        """Evaluate tokens after the run, in batches; what an abort leaves in the context stays in the run."""
        for start in range(0, len(tokens), self._context.n_batch):
            batch = tokens[start : start + self._context.n_batch]
            try:
                self.n_evaluated += len(batch)
                outcome = self._context.decode(batch, len(self.tokens))
            except Exception:
                # What a failed batch left behind is unknown.
                self._clear()
                raise
            self.tokens.extend(batch)
            if outcome is Outcome.ABORTED:
                if self._context.rolls_back:
                    del self.tokens[self._context.n_stored() :]
                else:
                    self._clear()
                return outcome
        return Outcome.DONE

    def _clear(self) -> None:
        self._context.clear()
        self.tokens.clear()


def common_prefix(left: Sequence[object], right: Sequence[object]) -> int:
    """Length of the longest common prefix."""
    return next(
        (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )
