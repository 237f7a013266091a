"""Whole prefixes for models whose KV cannot be cut: places in a prompt whose KV is kept, to be continued from there.

A recurrent state holds all tokens before it and cannot give one back; with a sliding window the cells of earlier
tokens are used again. When such a model's prompt changes in its last token, nothing of the sequence that held it is of
use. So its evaluation stops at the places up to which the next prompts will be the same, and a fork of the whole
sequence stays there: a state, or cells that are shared, and a sequence's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.engine.healing import MOST_TOKENS
from pylot_ls.engine.sequences import is_same_place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pylot_ls.engine.generation import Generation
    from pylot_ls.engine.prefix_tree import Match
    from pylot_ls.engine.sequences import Sequences
    from pylot_ls.engine.types import FimTokens

# So many tokens at the end of a text may be others when it goes on, or be gone when it is healed. A prompt that is
# healed has lost them: measured over 17,000 keystrokes in Python, the next one has all but its last token in 99.8 %.
_UNSETTLED = 1 + MOST_TOKENS
_UNSETTLED_WHEN_HEALED = 1
# A shorter prompt is evaluated as a whole about as soon as what it adds to another.
_SHORTEST = 32
# Where the end is deleted again, so many tokens at most are evaluated twice that far back, and twice as many further.
_SPACING = 8
# Of checkpoints that a prompt has departed from, as after an undo or in another view of the file, so many stay.
_MOST_DEPARTED = 2


class Checkpoints:
    """Makes the checkpoints of the prompts in work, where the model needs any. Runs on the worker's thread.

    Args:
        sequences: where they are.
        fim: by which the parts of a prompt are told; None where the model has no such tokens.
    """

    def __init__(self, sequences: Sequences, fim: FimTokens | None) -> None:
        self._sequences = sequences
        self._fim = fim

    def begin(self, generation: Generation) -> None:
        """Let a request that begins, or goes on, stop at its checkpoints."""
        if self._sequences.partial or generation.n_prompt < _SHORTEST:
            return
        request, n_prompt = generation.job.request, generation.n_prompt
        n_unsettled = _UNSETTLED_WHEN_HEALED if request.heal and request.max_tokens else _UNSETTLED
        places = stops(generation.tokens[:n_prompt], n_unsettled, self._fim)
        # Where it goes on it is worth going on again. A whole prompt for which nothing is decoded stays as it is.
        last = n_prompt if request.max_tokens else n_prompt - 1
        generation.stops = tuple(sorted(place for place in {*places, generation.n_stored} if 0 < place <= last))
        self.passed(generation)

    def passed(self, generation: Generation) -> None:
        """More of a request's tokens are stored; where they are a checkpoint's, it is kept."""
        if generation.n_stored not in generation.stops or generation.lease is None:
            return
        tokens = generation.tokens[: generation.n_stored]
        matches = self._sequences.tree.matches(tokens, generation.job.request.salt)
        known = [each for each in matches if each.seq in self._sequences.checkpoints]
        if not any(match.n_shared == len(tokens) and not match.n_tail for match in known):
            # The old ones of this prompt go before any other.
            self._thin(known, tokens)
            self._sequences.checkpoint(generation.lease.seq)

    def _thin(self, known: Iterable[Match], tokens: Sequence[int]) -> None:
        """Drop what is no longer worth keeping of a prompt's checkpoints, with one after these tokens to come."""
        lasting = frozen_places(tokens, self._fim)
        here = [match for match in known if is_same_place(match)]
        departed = {match.seq for match in here if match.n_tail}
        before = {match.n_shared: match.seq for match in here if not match.n_tail and match.n_shared not in lasting}
        kept = worth_keeping(before, len(tokens))
        old = [seq for seq in self._sequences.tree.sequences if seq in departed][:-_MOST_DEPARTED]
        for seq in (*old, *(seq for place, seq in before.items() if place not in kept)):
            self._sequences.drop(seq)


def stops(prompt: Sequence[int], n_unsettled: int, fim: FimTokens | None) -> tuple[int, ...]:
    """After how many tokens of a prompt a checkpoint is worth its while, in order.

    They are those of ``frozen_places``, and two shortly before the end.

    Args:
        prompt: its tokens.
        n_unsettled: how many of them, at least 1, the next prompt may not have.
        fim: by which its parts are told.
    """
    frozen, last = frozen_places(prompt, fim), len(prompt) - n_unsettled
    places = {*frozen, last}
    if last - _SPACING > max(frozen, default=0):
        places.add(last - _SPACING)
    return tuple(sorted(place for place in places if place > 0))


def frozen_places(prompt: Sequence[int], fim: FimTokens | None) -> tuple[int, ...]:
    """Near the end of the text before the hole, which goes on in the prompt of the next anchor; behind all frozen text.

    None where a prompt has no such parts, or they are not complete.
    """
    if fim is None or fim.middle is None or fim.prefix not in prompt or fim.middle not in prompt:
        return ()
    prefix, middle = prompt.index(fim.prefix), prompt.index(fim.middle)
    suffix = prompt.index(fim.suffix) if fim.suffix in prompt else middle
    return (suffix if suffix > prefix else middle) - _UNSETTLED, middle + 1


def worth_keeping(places: Collection[int], last: int) -> set[int]:
    """Of earlier checkpoints of a prompt, with one after ``last`` tokens to come, those to which one may go back.

    The last that is far enough from the end, and the first after it, which will be when the prompt has grown.
    """
    far = max((place for place in places if place <= last - _SPACING), default=None)
    near = min((place for place in places if place > last - _SPACING), default=None)
    return {place for place in (far, near) if place is not None}
