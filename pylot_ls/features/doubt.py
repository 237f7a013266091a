"""How far a suggestion is likely to be right: to there it is shown. Pure.

A model is nearly always right about the next few characters and hardly ever about a whole line. The product of its
tokens' probabilities, which is how likely all of a text is by the model's own estimate, tells where the one turns into
the other; measured on held-out files it tells better than their mean, and keeps the beginning, which a mean throws away
with the rest (see bench/LOG.md).
"""

from __future__ import annotations

import math
import re

_WORD_AT_END = re.compile(r"\w+\Z")
_EMPTY_LINES_AT_END = re.compile(r"(?:\n[^\S\n]*)+\Z")


class Doubt:
    """Follows a suggestion while it is decoded.

    Args:
        least: how likely all of what is shown has to be, 0 to 1; 0 shows everything.
        least_of_first: how likely the first token alone has to be.
    """

    def __init__(self, least: float, least_of_first: float = 0.0) -> None:
        self._least = _log(least)
        # The first token decides with this one, and those after it are not asked.
        self._least_of_next = _log(least_of_first)
        self._logprob = 0.0

    def begins_with(self, logprob: float) -> bool:
        """Whether the suggestion ends before a token of this probability, given as its natural logarithm."""
        self._logprob += logprob
        least_of_next, self._least_of_next = self._least_of_next, -math.inf
        return self._logprob < self._least or logprob < least_of_next


def certain(text: str, doubtful: str) -> str:
    """What is shown of a text that is not certain to go on with another: no half of a word, no line begun."""
    if doubtful and _WORD_AT_END.match(doubtful[0]):
        text = _WORD_AT_END.sub("", text)
    return _EMPTY_LINES_AT_END.sub("", text)


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf
