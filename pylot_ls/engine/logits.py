"""Probabilities from logits. Only the backend's worker imports this module: it takes numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]

# A smaller vocabulary is sorted as soon as anything else is done with it.
_LARGE = 4096
_STRIDE = 64
# Logits are told apart in so many steps from the largest to one that is so much less; beyond that they hardly count.
_STEPS = 4096
_RANGE = 32.0


def log_total(logits: Logits) -> float:
    """What is taken off logits to make them logarithms of probabilities; they are of shape (n,)."""
    # Less the largest one first, or the exponentials overflow.
    top = logits.max()
    return float(top + np.log(np.exp(logits - top).sum()))


def most_probable(logits: Logits, n_tokens: int) -> list[tuple[int, float]]:
    """The most probable tokens, the best first, each with the natural logarithm of its probability among all.

    Args:
        logits: of all tokens; shape (n_vocab,).
        n_tokens: how many; where there are fewer, all.
    """
    ids = most_probable_ids(logits, n_tokens)
    total = log_total(logits)
    return [(int(token), float(logits[token]) - total) for token in ids]


def most_probable_ids(logits: Logits, n_tokens: int) -> npt.NDArray[np.int64]:
    """The ids of the most probable tokens, the best first; of those that are equal the lower id."""
    n_tokens = min(n_tokens, len(logits))
    likely = _likely(logits, n_tokens)
    values = logits if likely is None else logits[likely]
    if n_tokens < len(values):
        place = len(values) - 1 - n_tokens
        # Sorted, or which comes first among equals would depend on how they were found.
        places = np.sort(np.argpartition(values, place)[place + 1 :])
    else:
        places = np.arange(len(values))
    places = places[np.argsort(-values[places], kind="stable")]
    return places if likely is None else likely[places]


def _likely(logits: Logits, n_tokens: int) -> npt.NDArray[np.int64] | None:
    """Ids of some tokens, among them so many of the most probable ones; None where it takes all to be sure of that.

    To part all of a large vocabulary takes ten times as long as to find a bound in a sample, and to compare with that.
    """
    if len(logits) < _LARGE or n_tokens * 8 > len(logits):
        return None
    sample = logits[::_STRIDE]
    place = len(sample) - (2 * n_tokens // _STRIDE + 8)
    ids = np.flatnonzero(logits >= np.partition(sample, place)[place])
    return ids if len(ids) >= n_tokens else None


def nucleus(logits: Logits, probability: float) -> npt.NDArray[np.int64]:
    """The ids of the fewest tokens that come to a probability together, in no order; at least one.

    Their weights are summed up in steps of their logits, and only within the step where they come to it they are
    sorted: to sort a large vocabulary takes longer than to evaluate a token.
    """
    below = logits.max() - logits
    weights = np.exp(-below)
    steps = np.minimum(below * (_STEPS / _RANGE), _STEPS - 1).astype(np.int32)
    sums = np.bincount(steps, weights).cumsum()
    wanted = probability * float(sums[-1])
    step = int(np.searchsorted(sums, wanted))
    within = np.flatnonzero(steps == min(step, len(sums) - 1))
    within = within[np.argsort(below[within], kind="stable")]
    reached = (float(sums[step - 1]) if step else 0.0) + weights[within].cumsum(dtype=np.float64)
    n_within = int(np.searchsorted(reached, wanted)) + 1
    return np.concatenate([np.flatnonzero(steps < step), within[:n_within]])
