"""What the engine needs of a llama.cpp context; the real one is in ``llama_cpp_binding``, tests have a model of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    """

    seq: int
    position: int
    tokens: Sequence[int]


class KvContext(Protocol):
    """The KV of several sequences in one buffer of cells.

    Attributes:
        n_batch: most tokens in one evaluation.
        rolls_back: whether an aborted evaluation leaves no trace. A recurrent state is overwritten in place.
    """

    n_batch: int
    rolls_back: bool

    def evaluate(self, parts: Sequence[Part]) -> Outcome:
        """Evaluate the parts in one batch; logits are kept for the last token of each. Raises DecodeError."""

    def remove_from(self, seq: int, position: int) -> bool:
        """Drop a sequence's KV from a position on; False when the model's memory refuses a partial removal."""

    def copy_prefix(self, source: int, target: int, n_tokens: int) -> None:
        """Let ``target``, which must be empty, share the first cells of ``source``."""

    def n_stored(self, seq: int) -> int:
        """How many positions of a sequence hold KV."""
