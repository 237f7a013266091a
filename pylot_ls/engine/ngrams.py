"""What followed the same tokens before, in the texts that are open: the n-gram cache of a session.

A small model forgets what stands further up, and has never seen what stands in another file. What followed the longest
match of the last tokens there is mixed with what the model says (``greedy`` of a context), as the cache of Kuhn and De
Mori 1990, "A Cache-Based Natural Language Model for Speech Recognition", is, and as in Khandelwal et al. 2020,
"Generalization through Memorization". The weights are measured, see ``bench/LOG.md``.
"""

from __future__ import annotations

import bisect
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pylot_ls.engine.types import Hole

    Ids = npt.NDArray[np.int32 | np.int64]
    Shares = npt.NDArray[np.float64]
    Positions = npt.NDArray[np.int64]

_SMALLEST = 1e-30
_ALL = np.ones(1)
# A match of two tokens is the shortest, and a longer one than this says no more.
_SHORTEST, _LONGEST = 2, 16
# Of a pair that is more frequent the last occurrences count.
_MOST_OCCURRENCES = 256
# A session's texts together, in tokens of 16 bytes.
_MOST_TOKENS = 1 << 20
# The weight of what followed, by the length of the match (that or longer): where it occurred once, several times with
# the same behind it, several times with different things. They are the ones that make held-out code most likely, and
# three quarters of that: cut at words, where somebody looks, matches are right less often than over all tokens.
_WEIGHTS = (
    (2, (0.18, 0.40, 0.15)),
    (3, (0.24, 0.47, 0.22)),
    (4, (0.36, 0.55, 0.25)),
    (6, (0.47, 0.55, 0.28)),
    (8, (0.50, 0.60, 0.30)),
    (12, (0.60, 0.65, 0.38)),
    (16, (0.62, 0.75, 0.45)),
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What may follow.

    Attributes:
        tokens: different ones, shape (n,).
        shares: how often each followed, of all; sums to 1; shape (n,).
        weight: that of these shares, 0 to 1, beside the model's probabilities.
    """

    tokens: Ids
    shares: Shares
    weight: float

    def among(self, ids: Ids | None) -> Guess:
        """Of these alone, as places in their list; of all, which are their own places, where there is none."""
        if ids is None:
            return self
        at, found = np.nonzero(self.tokens[:, None] == ids[None, :])
        shares = self.shares[at]
        return Guess(found, shares / max(shares.sum(), 1e-9), self.weight if len(found) else 0.0)


def mix(guess: Guess, logits: npt.NDArray[np.float32], log_total: float, own: int) -> tuple[int, float]:
    """The most probable token by the model's probabilities mixed with a guess, and the logarithm of that.

    Args:
        guess: its tokens are places in ``logits``.
        logits: the model's, shape (n,).
        log_total: logarithm of the sum of their exponentials.
        own: the most probable one by the model alone.
    """
    if len(guess.tokens) == 1:
        # The most frequent case by far, and at a tiny model's pace arrays of two numbers take long.
        return _mix_one(int(guess.tokens[0]), guess.weight, logits, log_total, own)
    tokens = np.append(guess.tokens, own)
    probabilities = (1 - guess.weight) * np.exp(logits[tokens] - log_total)
    probabilities[:-1] += guess.weight * guess.shares
    best = int(probabilities.argmax())
    return int(tokens[best]), math.log(max(float(probabilities[best]), _SMALLEST))


def mixture(guess: Guess, logits: npt.NDArray[np.float32], log_total: float) -> npt.NDArray[np.float64]:
    """The logarithms of all probabilities of the model mixed with a guess; as ``mix``, which needs one alone."""
    probabilities = (1 - guess.weight) * np.exp(logits.astype(np.float64) - log_total)
    probabilities[guess.tokens] += guess.weight * guess.shares
    mixed: npt.NDArray[np.float64] = np.log(np.maximum(probabilities, _SMALLEST))
    return mixed


def _mix_one(
    token: int, weight: float, logits: npt.NDArray[np.float32], log_total: float, own: int
) -> tuple[int, float]:
    guessed = (1 - weight) * math.exp(float(logits[token]) - log_total) + weight
    by_model = (1 - weight) * math.exp(float(logits[own]) - log_total)
    best, probability = (token, guessed) if guessed >= by_model else (own, by_model)
    return best, math.log(max(probability, _SMALLEST))


class TokenText:
    """The tokens of a text, which finds pairs of them.

    Args:
        blocks: the tokens of successive whole lines.
        lines: the number of the first line of each block, from 0.
    """

    def __init__(self, blocks: Sequence[Sequence[int]], lines: Sequence[int]) -> None:
        self.tokens: Ids = np.fromiter((token for block in blocks for token in block), dtype=np.int32)
        self._lines = lines
        self._starts = [0, *np.cumsum([len(block) for block in blocks]).tolist()]
        pairs = (self.tokens[:-1].astype(np.int64) << 32) | self.tokens[1:]
        order = np.argsort(pairs, kind="stable")
        self._pairs, self._after = pairs[order], order + 2

    def __len__(self) -> int:
        return len(self.tokens)

    def after(self, first: int, second: int) -> Positions:
        """The positions of what follows a pair of tokens, in order; the last ones where they are many."""
        pair = (first << 32) | second
        low, high = np.searchsorted(self._pairs, (pair, pair + 1))
        found: Positions = self._after[max(low, high - _MOST_OCCURRENCES) : high]
        return found[found < len(self.tokens)]

    def positions(self, first_line: int, last_line: int) -> tuple[int, int]:
        """The positions of the blocks that hold some lines: the first, and the one behind the last."""
        first = max(0, bisect.bisect_right(self._lines, first_line) - 1)
        end = bisect.bisect_right(self._lines, last_line)
        return self._starts[first], self._starts[end]


class Ngrams:
    """The texts of sessions, in memory only. The oldest go where they become too many."""

    def __init__(self) -> None:
        self._texts: OrderedDict[tuple[str, str], TokenText] = OrderedDict()
        self._own_only: set[tuple[str, str]] = set()

    def put(self, session: str, text_id: str, text: TokenText, *, own_only: bool = False) -> None:
        """Keep a text, in the place of what had its id; ``own_only``: for what is generated in itself."""
        self.drop(session, text_id)
        self._texts[session, text_id] = text
        if own_only:
            self.restrict(session, text_id)
        while len(self._texts) > 1 and sum(map(len, self._texts.values())) > _MOST_TOKENS:
            self._texts.popitem(last=False)

    def drop(self, session: str, text_id: str) -> None:
        """Forget a text."""
        self._texts.pop((session, text_id), None)
        self._own_only.discard((session, text_id))

    def restrict(self, session: str, text_id: str) -> None:
        """Let a text count in what is generated in itself alone, until it is put again."""
        self._own_only.add((session, text_id))

    def matcher(self, session: str, hole: Hole, typed: Sequence[int]) -> Matcher:
        """For a request of a session.

        Args:
            session: whose texts count.
            hole: the lines in which ``typed`` stands now. What stood there before does not count: it is what the
                cursor stands in, and mostly still follows it.
            typed: the tokens of the text that is continued, as far as it is not frozen.
        """
        texts = [(TokenText([typed], [0]), (0, 0))]
        for (owner, text_id), text in self._texts.items():
            is_own = text_id == hole.text_id
            if owner == session and (is_own or (owner, text_id) not in self._own_only):
                texts.append((text, text.positions(hole.first_line, hole.last_line) if is_own else (0, 0)))
        return Matcher(texts)


class Matcher:
    """Follows the longest matches of a run of tokens, which only grows.

    Args:
        texts: with the positions of each that do not count.
    """

    def __init__(self, texts: Sequence[tuple[TokenText, tuple[int, int]]]) -> None:
        self._texts = texts
        self._n_seen = 0
        self._length = 0
        self._found: list[tuple[TokenText, Positions]] = []

    def guess(self, tokens: Sequence[int]) -> Guess | None:
        """What followed the longest match of the last tokens; None where there is none."""
        self._follow(tokens)
        if not self._found:
            return None
        text, positions = self._found[0]
        if len(self._found) == 1 and len(positions) == 1:
            return Guess(text.tokens[positions], _ALL, _weight(self._length, 1, 1))
        followed, counts = np.unique(
            np.concatenate([text.tokens[positions] for text, positions in self._found]), return_counts=True
        )
        n_found = int(counts.sum())
        return Guess(followed, counts / n_found, _weight(self._length, n_found, len(followed)))

    def draft(self, tokens: Sequence[int], n_most: int) -> tuple[Ids, int, int]:
        """What followed the two last of the longest matches, as far as it is the same, at most so many tokens.

        Returns:
            Them, the length of the matches in tokens, and how many were looked at.
        """
        self._follow(tokens)
        ends = [(text, int(at)) for text, positions in self._found for at in positions[-2:]][-2:]
        if not ends:
            return np.empty(0, dtype=np.int32), 0, 0
        first, last = (text.tokens[at : at + n_most] for text, at in (ends[0], ends[-1]))
        n_both = min(len(first), len(last))
        different = np.flatnonzero(first[:n_both] != last[:n_both])
        return last[: different[0] if len(different) else n_both], self._length, len(ends)

    def _follow(self, tokens: Sequence[int]) -> None:
        if len(tokens) == self._n_seen:
            return
        for token in tokens[self._n_seen :] if self._found else ():
            self._go_on(token)
        self._n_seen = len(tokens)
        if not self._found:
            self._search(tokens)

    def _go_on(self, token: int) -> None:
        """The matches that this token was foreseen by: no other can be as long."""
        going_on = []
        for text, positions in self._found:
            right = positions[text.tokens[positions] == token] + 1
            right = right[right < len(text)]
            if len(right):
                going_on.append((text, right))
        self._found, self._length = going_on, self._length + 1

    def _search(self, tokens: Sequence[int]) -> None:
        """The longest matches anew."""
        last = tokens[-_LONGEST:]
        if len(last) < _SHORTEST:
            return
        self._length = _SHORTEST
        for text, (start, end) in self._texts:
            positions = text.after(last[-2], last[-1])
            positions = positions[(positions < start) | (positions >= end)]
            length = _SHORTEST
            while len(positions) and length < len(last):
                longer = positions[positions > length]
                longer = longer[text.tokens[longer - length - 1] == last[-1 - length]]
                if not len(longer):
                    break
                positions, length = longer, length + 1
            if len(positions) and length >= self._length:
                if length > self._length:
                    self._found, self._length = [], length
                self._found.append((text, positions))


def _weight(length: int, n_found: int, n_different: int) -> float:
    once, same, different = next(weights for shortest, weights in reversed(_WEIGHTS) if length >= shortest)
    if n_found == 1:
        return once
    return same if n_different == 1 else different
