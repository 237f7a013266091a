"""Probabilities from logits. Only the backend's worker imports this module: it takes numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]


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


def most_probable_ids(logits: npt.NDArray[np.floating[Any]], n_tokens: int) -> npt.NDArray[np.int64]:
    """The ids of the most probable tokens, the best first; of those that are equal the lower id."""
    n_tokens = min(n_tokens, len(logits))
    if n_tokens == len(logits):
        return np.argsort(-logits, kind="stable")
    place = len(logits) - 1 - n_tokens
    # Sorted, or which comes first among equals would depend on how they were found.
    ids = np.sort(np.argpartition(logits, place)[place + 1 :])
    return ids[np.argsort(-logits[ids], kind="stable")]
