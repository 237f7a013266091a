"""What to evaluate next. Pure: it is told what there is to do and decides; the worker does it.

The rules: the highest priority alone is served, so that nothing that may be aborted shares a batch with a
keystroke. Within it every sequence that decodes gets its token in every batch (continuous batching, Yu et al. 2022,
"Orca"), and one prompt gets a chunk beside them. Sessions take turns with their prompts, so that none waits behind
another's long one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.types import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence

# A prompt is evaluated in chunks of this long, so that who comes next waits no longer, also where an evaluation
# cannot be aborted, and so that an abort throws little away.
_CHUNK_MS = 150.0
# While somebody types, a chunk of background work has to fit between two keystrokes to get done at all.
_CHUNK_BETWEEN_KEYSTROKES_MS = 40.0
# Smaller chunks cost more than they give back: a batch of 8 takes four times as long as one of 1, not eight times.
_SMALLEST_CHUNK = 8
# Before a rate has been measured.
_FIRST_CHUNK = 32


@dataclass(frozen=True, slots=True)
class Task:
    """A request in work, as far as the decision depends on it.

    Attributes:
        id: unique among the tasks.
        session: whose it is; sessions take turns.
        priority: of the request.
        n_pending: tokens to evaluate next: what is left of the prompt; while decoding 1 and those that are drafted.
        decodes: whether its prompt is done.
    """

    id: int
    session: str
    priority: Priority
    n_pending: int
    decodes: bool


@dataclass(frozen=True, slots=True)
class Share:
    """So many tokens of a task go into the next batch."""

    id: int
    n_tokens: int


class Scheduler:
    """Remembers only whose turn it was.

    Args:
        n_batch: most tokens in a batch.
    """

    def __init__(self, n_batch: int) -> None:
        self._n_batch = n_batch
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}

    def decide(self, tasks: Sequence[Task], tokens_per_s: float, *, someone_types: bool = False) -> tuple[Share, ...]:
        """The next batch; empty when there is nothing to do.

        Args:
            tasks: all there are.
            tokens_per_s: the measured rate of prompts, 0.0 before it is known.
            someone_types: whether there was a keystroke a moment ago.
        """
        highest = max((task.priority for task in tasks), default=None)
        served = [task for task in tasks if task.priority == highest and task.n_pending > 0]
        decoding = [task for task in served if task.decodes][: self._n_batch]
        # Beside others a draft would be checked at their expense.
        n_each = min(decoding[0].n_pending, self._n_batch) if len(decoding) == len(served) == 1 else 1
        shares = [Share(task.id, n_each) for task in decoding]
        prompts = [task for task in served if not task.decodes]
        room = self._n_batch - len(shares)
        if prompts and room > 0:
            task = min(prompts, key=lambda each: self._last_turn.get(each.session, 0))
            self._last_turn[task.session] = next(self._turns)
            chunk = self._chunk(tokens_per_s, hurried=someone_types and task.priority is not Priority.KEYSTROKE)
            shares.append(Share(task.id, min(task.n_pending, room, chunk)))
        return tuple(shares)

    def _chunk(self, tokens_per_s: float, *, hurried: bool) -> int:
        if tokens_per_s <= 0:
            return _FIRST_CHUNK
        duration_ms = _CHUNK_BETWEEN_KEYSTROKES_MS if hurried else _CHUNK_MS
        return max(_SMALLEST_CHUNK, int(tokens_per_s * duration_ms / 1000))
