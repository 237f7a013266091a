"""What the engine needs of a llama.cpp context; the real one is in ``llama_context``, tests have a model of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.engine.ngrams import Guess
    from pylot_ls.engine.vocabulary import Ids


class Outcome(enum.Enum):
    """How the evaluation of a batch ended."""

    DONE = enum.auto()
    ABORTED = enum.auto()
    NO_ROOM = enum.auto()


@dataclass(frozen=True, slots=True)
class Part:
    """Successive tokens of one sequence within a batch.

    Attributes:
        seq: the sequence.
        position: of the first token.
        tokens: at least one.
        n_logits: for so many of the last tokens logits are kept.
    """

    seq: int
    position: int
    tokens: Sequence[int]
    n_logits: int = 1

    @property
    def drafted(self) -> Sequence[int]:
        """The tokens that are not known to be right: what was to follow the first one with logits."""
        return self.tokens[len(self.tokens) - self.n_logits + 1 :]


class KvContext(Protocol):
    """The KV of several sequences in one buffer of cells.

    Attributes:
        n_batch: most tokens in one evaluation.
        rolls_back: whether an aborted evaluation leaves no trace. A recurrent state is overwritten in place.
    """

    n_batch: int
    rolls_back: bool

    def evaluate(self, parts: Sequence[Part]) -> Outcome:
        """Evaluate the parts in one batch. Raises DecodeError."""

    def greedy(
        self, index: int, among: Ids | None = None, rank: int = 0, guess: Guess | None = None
    ) -> tuple[int, float]:
        """The most probable token after the one at ``index`` of the batch, and the natural logarithm of that.

        With ``among`` one of these, and its probability among them. With ``rank`` the one that has so many before it,
        the last where there are no more. With ``guess`` by the probabilities of the model mixed with those.
        """

    def most_probable(self, index: int, n_tokens: int) -> list[tuple[int, float]]:
        """The most probable tokens after the one at ``index`` of the batch, the best first, as ``greedy`` has them."""

    def remove_from(self, seq: int, position: int) -> bool:
        """Drop a sequence's KV from a position on; False when the model's memory refuses a partial removal."""

    def copy_prefix(self, source: int, target: int, n_tokens: int) -> None:
        """Let ``target``, which must be empty, share the first cells of ``source``."""

    def n_stored(self, seq: int) -> int:
        """How many positions of a sequence hold KV."""
