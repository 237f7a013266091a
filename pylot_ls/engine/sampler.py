"""Drawing tokens instead of taking the most probable ones, step by step as llama.cpp's samplers do.

Only the backend's worker imports this module: it takes numpy.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pylot_ls.engine.logits import log_total, most_probable_ids, nucleus
from pylot_ls.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from pylot_ls.engine.logits import Logits
    from pylot_ls.engine.types import Sampling

    Ids = npt.NDArray[np.int64]

# A lower temperature leaves nothing but the most probable token: logits are no more precise.
_COLDEST = 1e-6


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
        self._biases = np.array([bias for _, bias in sampling.logit_bias], dtype=np.float32)
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
        return self._draw(changed if changed.max() > -math.inf else bound)

    def _change(self, logits: Logits, tokens: Sequence[int]) -> Logits:
        """What is added to tokens, then what is taken off for those that were there."""
        options, changed = self._sampling, logits.copy()
        if len(self._ids):
            np.add.at(changed, self._ids, self._biases)
        changed[self._banned] = -math.inf
        penalties = (options.repeat_penalty, options.frequency_penalty, options.presence_penalty)
        if options.repeat_last_n and penalties != (1, 0, 0):
            last = tokens if options.repeat_last_n < 0 else tokens[-options.repeat_last_n :]
            ids, counts = np.unique(np.array(last, dtype=np.int64), return_counts=True)
            found = changed[ids]
            found = np.where(found > 0, found / options.repeat_penalty, found * options.repeat_penalty)
            changed[ids] = found - counts * options.frequency_penalty - options.presence_penalty
        return changed

    def _draw(self, logits: Logits) -> int:
        """Draw one of those that count. ``logits``: of all tokens, at least one of them finite."""
        options = self._sampling
        if options.temperature < _COLDEST:
            return int(logits.argmax())
        ids = self._left(logits)
        values = logits if ids is None else logits[ids]
        ends = np.exp((values - values.max()) / options.temperature).cumsum(dtype=np.float64)
        # What is banned has no weight: it ends where the one before it does.
        place = int(np.searchsorted(ends, self._random.random() * ends[-1], side="right"))
        place = min(place, int(np.searchsorted(ends, ends[-1])))
        return place if ids is None else int(ids[place])

    def _left(self, logits: Logits) -> Ids | None:
        """The tokens that count; None for all."""
        options, ids = self._sampling, None
        if options.top_k:
            ids = most_probable_ids(logits, options.top_k)
            if options.top_p < 1:
                ids = ids[nucleus(logits[ids], options.top_p)]
        elif options.top_p < 1:
            ids = nucleus(logits, options.top_p)
        if options.min_p:
            counts = (logits if ids is None else logits[ids]) >= logits.max() + math.log(options.min_p)
            ids = np.flatnonzero(counts) if ids is None else ids[counts]
        return ids
