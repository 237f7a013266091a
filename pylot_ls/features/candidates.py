"""Several suggestions for one place, for whoever asks by hand: the model's best one and what it would say instead."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any

    from pylot_ls.features.completion import Completion

_log = logging.getLogger(__name__)

MOST_CANDIDATES = 3
# A further candidate whose first token is less probable is hardly ever right; see bench/LOG.md.
LEAST_LIKELY = 0.01
_WORD = re.compile(r"\w")


async def several(
    first: Callable[[Callable[[int], None]], Coroutine[Any, Any, Completion]],
    other: Callable[[int, int], Coroutine[Any, Any, Completion]],
    n_candidates: int,
) -> Completion:
    """The first candidate and with it the others, which are decoded beside it in the same batches.

    They are asked for when the prompt of the first is evaluated, so that they share its KV. One that fails is left
    out; when this is cancelled, or the first fails, all are.

    Args:
        first: asks for the first one; to be told when its prompt is evaluated, and with which of the plan's prompts.
        other: asks for the one of a rank with one of the plan's prompts.
        n_candidates: how many there are at most.
    """
    tasks: list[asyncio.Task[Completion | None]] = []

    def begin(prompt_number: int) -> None:
        work = (_unless_it_fails(other(rank, prompt_number)) for rank in range(1, n_candidates))
        tasks.extend(map(asyncio.ensure_future, work))

    try:
        best = await first(begin)
        others = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return together(best, [each for each in others if each is not None])


async def _unless_it_fails(asking: Coroutine[Any, Any, Completion]) -> Completion | None:
    try:
        return await asking
    except Exception:  # noqa: BLE001 - whatever it is, the first candidate is there
        _log.warning("a further candidate could not be made", exc_info=True)
        return None


def together(first: Completion, others: Iterable[Completion]) -> Completion:
    """The first with the others that say something else, the likeliest of them first; one of them where it is none."""
    said = [first.shown] if first.suggestion else []
    found = []
    offered = [(each.suggestion, each.shown) for each in others if each.suggestion]
    for suggestion, shown in sorted(offered, key=lambda each: each[0].confidence, reverse=True):
        if not any(_is_in(shown, text) for text in said):
            said.append(shown)
            found.append(suggestion)
    if first.suggestion is None and found:
        first = replace(first, suggestion=found.pop(0), shown=said[0])
    return replace(first, others=tuple(found))


def _is_in(text: str, other: str) -> bool:
    """Whether a text is another one, or its beginning up to the end of a word, white space aside."""
    letters, others = "".join(text.split()), "".join(other.split())
    if not others.startswith(letters):
        return False
    return not (_WORD.match(letters[-1:]) and _WORD.match(others[len(letters) :]))
