"""Drawing tokens instead of taking the most probable ones, step by step as llama.cpp's samplers do.

Only the backend's worker imports this module: it takes numpy.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pylot_ls.engine.logits import log_total, most_probable_ids
from pylot_ls.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from pylot_ls.engine.logits import Logits
    from pylot_ls.engine.types import Sampling

    # Twice the precision of the model's: what requests add may be large.
    Changed = npt.NDArray[np.float64]
    Ids = npt.NDArray[np.int64]

# A vocabulary has 150,000 tokens, and to sort them takes longer than to evaluate one: most often so many are enough.
_FIRST_SORTED = (256, 4096)


class Grammar(Protocol):
    """What is needed of ``GrammarSampler``."""

    def allows(self, token: int) -> bool:
        """Whether a token may come next."""

    def bind(self, logits: Logits, without_text: Sequence[int]) -> Logits:
        """The logits with minus infinity for each token that may not come next."""

    def accept(self, token: int) -> None:
        """Take note of a token that is allowed."""


class Sampler:
    """The draws of one request: of the same seed they are the same.

    Args:
        sampling: that ``check_sampling`` accepted.
        without_text: ids of the tokens that are never text, those that end it among them.
        ends: whether a token ends the text.
        grammar: what the text has to follow; None where it may be any.
    """

    def __init__(
        self,
        sampling: Sampling,
        without_text: Sequence[int],
        ends: Callable[[int], bool],
        grammar: Grammar | None = None,
    ) -> None:
        self._sampling = sampling
        self._grammar = grammar
        self._without_text = without_text
        # Python's own, which gives the same numbers in every version.
        self._random = random.Random(sampling.seed)  # noqa: S311 - a draw is no secret
        self._ids = np.array([token for token, _ in sampling.logit_bias], dtype=np.int64)
        self._biases = np.array([bias for _, bias in sampling.logit_bias], dtype=np.float64)
        banned = filter(ends, without_text) if sampling.ignore_eos else ()
        self._banned = np.array(list(banned), dtype=np.int64)

    def choose(self, logits: Logits, tokens: Sequence[int]) -> tuple[int, float]:
        """Draw the next token; with it the natural logarithm of the probability that the model itself gives it.

        Args:
            logits: of all tokens; shape (n_vocab,).
            tokens: the prompt's, and those that were decoded.

        Raises:
            RequestError: none is left to be drawn.
        """
        changed = self._change(logits, tokens)
        # Most often what is drawn is allowed, and to bind a whole vocabulary takes long.
        token = self._draw(changed) if changed.max() > -math.inf else None
        if self._grammar is not None:
            if token is None or not self._grammar.allows(token):
                token = self._draw_bound(self._grammar, logits, tokens)
            self._grammar.accept(token)
        if token is None:
            raise RequestError("logit_bias and ignore_eos ban every token; leave some")
        return token, float(logits[token]) - log_total(logits)

    def _draw_bound(self, grammar: Grammar, logits: Logits, tokens: Sequence[int]) -> int:
        bound = grammar.bind(logits, self._without_text)
        if bound.max() == -math.inf:
            raise RequestError("the grammar goes on in a way that no token of the model does; allow other texts")
        changed = self._change(bound, tokens)
        # What has to come comes, also where it is banned: a text that is complete has nothing left but its end.
        return self._draw(changed if changed.max() > -math.inf else bound.astype(np.float64))

    def _change(self, logits: Logits, tokens: Sequence[int]) -> Changed:
        """What is added to tokens, then what is taken off for those that were there."""
        changed = logits.astype(np.float64)
        np.add.at(changed, self._ids, self._biases)
        changed[self._banned] = -math.inf
        options = self._sampling
        penalties = (options.repeat_penalty, options.frequency_penalty, options.presence_penalty)
        if options.repeat_last_n and penalties != (1, 0, 0):
            last = tokens if options.repeat_last_n < 0 else tokens[-options.repeat_last_n :]
            ids, counts = np.unique(np.array(last, dtype=np.int64), return_counts=True)
            found = changed[ids]
            found = np.where(found > 0, found / options.repeat_penalty, found * options.repeat_penalty)
            changed[ids] = found - counts * options.frequency_penalty - options.presence_penalty
        return changed

    def _draw(self, logits: Changed) -> int:
        """Draw one of those that count. ``logits``: of all tokens, at least one of them finite."""
        options = self._sampling
        if options.temperature == 0:
            return int(logits.argmax())
        ids = self._left(logits)
        # A temperature near 0 leaves nothing but the best.
        with np.errstate(over="ignore"):
            weights = np.exp((logits[ids] - logits[ids].max()) / options.temperature)
        ends = weights.cumsum()
        place = int(np.searchsorted(ends, self._random.random() * ends[-1], side="right"))
        return int(ids[min(place, len(ids) - 1)])

    def _left(self, logits: Changed) -> Ids:
        """The tokens that count."""
        options = self._sampling
        if options.top_k:
            ids = most_probable_ids(logits, options.top_k)
            if options.top_p < 1:
                weights = np.exp(logits[ids] - logits[ids[0]])
                ids = ids[: _n_within(weights, options.top_p * weights.sum())]
        elif options.top_p < 1:
            ids = _nucleus(logits, options.top_p)
        else:
            ids = np.arange(len(logits))
        least = logits[ids].max() + math.log(options.min_p) if options.min_p else -math.inf
        return ids[(logits[ids] >= least) & (logits[ids] > -math.inf)]


def _nucleus(logits: Changed, top_p: float) -> Ids:
    """The most probable tokens that come to a probability together, the best first."""
    top = logits.max()
    wanted = top_p * np.exp(logits - top).sum()
    for n_sorted in _FIRST_SORTED:
        ids = most_probable_ids(logits, n_sorted)
        weights = np.exp(logits[ids] - top)
        if weights.sum() >= wanted:
            return ids[: _n_within(weights, wanted)]
    ids = most_probable_ids(logits, len(logits))
    return ids[: _n_within(np.exp(logits[ids] - top), wanted)]


def _n_within(weights: Changed, wanted: float) -> int:
    """How many of the first weights come to so much, at least one."""
    return int(np.searchsorted(weights.cumsum(), wanted)) + 1
