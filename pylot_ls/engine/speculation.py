"""Speculation by prompt lookup: what followed the last tokens earlier is drafted, and checked in one evaluation. Pure.

Code repeats itself. Several tokens in one evaluation cost less than each by itself, so a draft that is right often
enough pays; how often, and how much less, depends on the text and on the machine, and both are measured. The drafts are
those of prompt-lookup decoding (Saxena 2023), the check is that of Leviathan et al. 2023, "Fast Inference from
Transformers via Speculative Decoding", for greedy decoding: the tokens are those that one at a time would give.
"""

from __future__ import annotations

import itertools
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.prefix_tree import common_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylot_ls.engine.ngrams import Matcher

# How many of the last tokens are looked for, most first.
_MATCHES = (3, 2, 1)
# Longer matches are looked for in the n-gram cache alone, and told apart by these.
_LONGER_MATCHES = (8, 4)
# The share of right tokens before it is measured, by how many tokens matched and how often they were found.
_RIGHT_ONCE = {8: 0.8, 4: 0.6, 3: 0.5, 2: 0.4, 1: 0.3}
_RIGHT_TWICE = {8: 0.95, 4: 0.9, 3: 0.9, 2: 0.8, 1: 0.7}
_LONGEST = 15
# What a further token in an evaluation costs before it is measured, as a share of the first one.
_FURTHER = 0.4
_MOST_FURTHER = 2.0
# The weight of the newest measurement. A time may be longer than usual because others had the processor, hardly
# shorter; and where they had it for long, how long says nothing.
_SHORTER_WEIGHT, _LONGER_WEIGHT = 0.2, 0.05
_MOST_TIMES_LONGER = 3.0
_RIGHT_WEIGHT = 0.05
# A draft has to promise as much more speed to be worth its trouble.
_WORTHWHILE = 1.05
# After so many drafts that did not promise it a short one is tried: the machine may have become faster.
_PROBE_AFTER = 64
_TOKEN_BYTES = array("i").itemsize


@dataclass(frozen=True, slots=True)
class Draft:
    """What may follow.

    Attributes:
        tokens: in order.
        n_matched: how many tokens before them were found earlier.
        n_found: at how many places, 1 or 2; what followed at the second is the same.
    """

    tokens: Sequence[int] = ()
    n_matched: int = 0
    n_found: int = 0


def draft_of(matcher: Matcher | None, lookup: Lookup, tokens: Sequence[int]) -> Draft:
    """What may follow: by a long match in the texts that are known, if there is one, else by the tokens themselves."""
    if matcher is not None:
        following, length, n_found = matcher.draft(tokens, _LONGEST)
        n_matched = next((shortest for shortest in _LONGER_MATCHES if length >= shortest), 0)
        if n_matched and len(following):
            return Draft(following.tolist(), n_matched, n_found)
    return lookup.draft(tokens)


class Lookup:
    """Looks up drafts in one run of tokens, which only grows."""

    def __init__(self) -> None:
        # As bytes, in which C searches backwards: a list of a long prompt would take longer than a small model's step.
        self._data = bytearray()

    def draft(self, tokens: Sequence[int]) -> Draft:
        """What followed the two latest earlier occurrences of the last tokens, as far as it is the same.

        Lines that are alike differ in places, a name or a number, where what followed is hardly ever right: measured
        on such lines, without the second occurrence half as much is gained. As many of the last tokens are looked for
        as have occurred before.
        """
        self._data += array("i", tokens[len(self._data) // _TOKEN_BYTES :]).tobytes()
        for n_matched in _MATCHES:
            found = [_repeated(tokens, at) for at in itertools.islice(self._occurrences(n_matched), 2)]
            if found:
                n_same = common_prefix(found[0], found[-1])
                return Draft(found[0][:n_same], n_matched, len(found)) if n_same else Draft()
        return Draft()

    def _occurrences(self, n_matched: int) -> Iterator[int]:
        """The positions behind the earlier occurrences of the last ``n_matched`` tokens, the latest first."""
        length = n_matched * _TOKEN_BYTES
        pattern = self._data[-length:]
        end = len(self._data) - 1
        while len(pattern) == length and (at := self._data.rfind(pattern, 0, end)) >= 0:
            # Between two tokens their bytes only look like those.
            if at % _TOKEN_BYTES == 0:
                yield at // _TOKEN_BYTES + n_matched
            end = at + length - 1


def _repeated(tokens: Sequence[int], start: int) -> list[int]:
    """What stands from ``start`` on; at the end it goes on with itself, as a repetition does."""
    return (list(tokens[start : start + _LONGEST]) * _LONGEST)[:_LONGEST]


class Speculation:
    """Learns what drafts cost and how often they are right, and says how long one ought to be."""

    def __init__(self) -> None:
        self._right = {(length, 1): share for length, share in _RIGHT_ONCE.items()}
        self._right |= {(length, 2): share for length, share in _RIGHT_TWICE.items()}
        self._step_ms = 0.0
        self._further = _FURTHER
        self._n_passed = 0

    def length(self, draft: Draft, n_most: int) -> int:
        """How many tokens of a draft to check, at most ``n_most``: those that promise most tokens a millisecond."""
        n_most = min(n_most, len(draft.tokens))
        if n_most < 1:
            return 0
        share = self._right[draft.n_matched, draft.n_found]
        best, best_speed = 0, _WORTHWHILE
        n_expected = is_right = 1.0
        for length in range(1, n_most + 1):
            is_right *= share
            n_expected += is_right
            speed = n_expected / (1 + length * self._further)
            if speed > best_speed:
                best, best_speed = length, speed
        self._n_passed = 0 if best else self._n_passed + 1
        if self._n_passed == _PROBE_AFTER:
            self._n_passed = 0
            return 1
        return best

    def followed(self, draft: Draft, tokens: Sequence[int]) -> None:
        """These tokens followed where the draft was made, whether it was checked or not."""
        kind = draft.n_matched, draft.n_found
        for drafted, token in zip(draft.tokens, tokens, strict=False):
            self._right[kind] += _RIGHT_WEIGHT * ((drafted == token) - self._right[kind])
            if drafted != token:
                return

    def took(self, n_tokens: int, ms: float) -> None:
        """An evaluation of so many tokens of one sequence took so long."""
        if n_tokens == 1:
            known = self._step_ms or ms
            self._step_ms = _closer(known, min(ms, _MOST_TIMES_LONGER * known))
        elif self._step_ms > 0:
            further = (ms / self._step_ms - 1) / (n_tokens - 1)
            self._further = _closer(self._further, min(max(further, 0.0), _MOST_FURTHER))


def _closer(known: float, measured: float) -> float:
    return known + (_SHORTER_WEIGHT if measured < known else _LONGER_WEIGHT) * (measured - known)
