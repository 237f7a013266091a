"""The sequences of a context: which one serves a prompt, and which one goes when room is needed.

Keeps the prefix tree's record equal to what the context holds. Runs on the worker's thread alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.engine.prefix_tree import PrefixTree
from pylot_ls.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.kv_context import KvContext, Part
    from pylot_ls.engine.prefix_tree import Match

# A sequence whose end is thrown away by a prompt is kept, and the prompt gets a fork, when the end is longer than
# this or than what is shared: it is then another place in the file, or another file, to which the user may return.
_WORTH_KEEPING = 64


@dataclass(frozen=True, slots=True)
class Lease:
    """A sequence in use by a request.

    Attributes:
        seq: its id.
        n_reused: how many tokens of the prompt it holds already.
    """

    seq: int
    n_reused: int


class Sequences:
    """Hands out sequences.

    Args:
        context: where the KV is.
        n_cells: how many tokens may be resident in all.
        n_sequences: how many sequences the context has.
        partial: whether KV can be cut at any token; if not, only a whole sequence can be continued.

    Attributes:
        on_evict: called with a sequence that is about to be forgotten to make room.
        partial: the argument.
        checkpoints: the sequences that are continued by forks alone (see ``checkpoint``).
        on_drop: called with a sequence that is forgotten, to make room or for another reason; its id may come again.
    """

    def __init__(self, context: KvContext, n_cells: int, n_sequences: int, *, partial: bool) -> None:
        self._context = context
        self._n_cells = n_cells
        self._n_sequences = n_sequences
        self.partial = partial
        self.checkpoints: set[int] = set()
        self.on_evict: Callable[[int], None] = lambda _seq: None
        self.on_drop: Callable[[int], None] = lambda _seq: None
        # Of a sequence that was used for a guess last: how much of it is none.
        self._n_certain: dict[int, int] = {}
        self.tree = PrefixTree(n_sequences)

    def acquire(self, prompt: Sequence[int], n_needed_logits: int = 1, *, aside: bool = False, salt: str = "") -> Lease:
        """A sequence that holds as much of the prompt's beginning as is resident, locked; one of the same salt.

        The last ``n_needed_logits`` tokens are evaluated in any case: their logits are not kept. ``aside``: the
        sequence that holds the beginning stays as it is, and the prompt gets a fork.
        """
        known = prompt[: len(prompt) - n_needed_logits]
        if not self.partial and not aside:
            for seq in self._left_behind(known, salt):
                self.drop(seq)
        match = self.tree.match(known, salt, whole=not self.partial)
        if match is None:
            return Lease(self._new(salt), 0)
        if aside or self._is_forked(match):
            return Lease(self._fork(match.seq, match.n_shared), match.n_shared)
        self.tree.lock(match.seq)
        self._n_certain.pop(match.seq, None)
        if match.n_tail and not self._try_cut(match.seq, match.n_shared):
            self.drop(match.seq)
            return Lease(self._new(salt), 0)
        return Lease(match.seq, match.n_shared)

    def resident(self, prompt: Sequence[int], salt: str = "") -> int:
        """How many tokens of a prompt ``acquire`` would find, its last one left to evaluate."""
        match = self.tree.match(prompt[:-1], salt, whole=not self.partial)
        return match.n_shared if match else 0

    def release(self, seq: int, n_certain: int | None = None, *, is_spare: bool = False) -> None:
        """A request is done with its sequence; what it holds stays resident while there is room.

        ``n_certain``: how many of its tokens are no guess; all where that is not said. A prompt that goes on otherwise
        takes the place of a guess, however long it is. ``is_spare``: it goes before any other when room is needed.
        """
        self.tree.unlock(seq, is_spare=is_spare)
        if n_certain is not None:
            self._n_certain[seq] = n_certain

    def drop(self, seq: int) -> None:
        """Forget a sequence and free its cells."""
        self._context.remove_from(seq, 0)
        self.tree.remove(seq)
        self.checkpoints.discard(seq)
        self._n_certain.pop(seq, None)
        self.on_drop(seq)

    def clear(self) -> None:
        """Forget all sequences, those in use too."""
        known = self.tree.sequences
        for seq in range(self._n_sequences):
            self._context.remove_from(seq, 0)
        self.tree = PrefixTree(self._n_sequences)
        self.checkpoints.clear()
        self._n_certain.clear()
        for seq in known:
            self.on_drop(seq)

    def checkpoint(self, seq: int) -> int | None:
        """Keep what a sequence in use holds now, for prompts that begin with it; None where no sequence is to be had.

        It is not in use itself, and the one that is missed least goes for it.
        """
        self._free_a_sequence()
        if not self.tree.has_free_sequence:
            return None
        kept = self._fork(seq, self.tree.n_tokens(seq))
        self.checkpoints.add(kept)
        self.release(kept)
        return kept

    def evaluated(self, parts: Sequence[Part]) -> None:
        """A batch was evaluated."""
        for part in parts:
            self.tree.extend(part.seq, part.tokens)

    def cut(self, seq: int, n_tokens: int) -> None:
        """Let a sequence hold its first tokens only.

        Raises:
            DecodeError: the model's memory refused, which one whose KV can be cut never does.
        """
        if not self._try_cut(seq, n_tokens):
            raise DecodeError(f"the KV of a sequence could not be cut to {n_tokens} tokens")

    def restored(self, seq: int, start: int, tokens: Sequence[int], load: Callable[[], bool]) -> bool:
        """Replace what a sequence holds from ``start`` on by saved KV of these tokens; False when it was not taken.

        Room for the tokens is made by the caller.
        """
        if self.tree.n_tokens(seq) > start and not self._try_cut(seq, start):
            return False
        if not load():
            return False
        self.tree.extend(seq, tokens)
        return True

    def aborted(self, parts: Sequence[Part]) -> None:
        """A batch was aborted: the context is asked what stands, which is a beginning: the micro-batches before.

        Of no part a token is left of which logits were wanted, since they were not kept.
        """
        for part in parts:
            n_stands = self._context.n_stored(part.seq) - part.position
            n_left = min(n_stands, len(part.tokens) - part.n_logits)
            is_sound = self._context.rolls_back
            if n_left < n_stands:
                is_sound = is_sound and self.partial and self._context.remove_from(part.seq, part.position + n_left)
            if is_sound:
                self.tree.extend(part.seq, part.tokens[:n_left])
            else:
                self._context.remove_from(part.seq, 0)
                self.tree.truncate(part.seq, 0)

    def has_room(self, n_tokens: int) -> bool:
        """Whether so many cells, and a sequence for them, are free as it is."""
        return self.tree.n_cells + n_tokens <= self._n_cells and self.tree.has_free_sequence

    def would_cut(self, prompt: Sequence[int], salt: str = "") -> bool:
        """Whether ``acquire`` would drop the end of a sequence, or all of it, for this prompt."""
        if not self.partial:
            return bool(self._left_behind(prompt, salt))
        match = self.tree.match(prompt, salt)
        return match is not None and match.n_tail > 0 and not self._is_forked(match)

    def make_room(self, n_tokens: int) -> bool:
        """See that so many cells are free; False when what is in use leaves no room."""
        while self.tree.n_cells + n_tokens > self._n_cells:
            if not self.evict():
                return False
        return True

    def evict(self) -> bool:
        """Forget the sequence that is missed least; False when all are in use."""
        seq = self.tree.evictable()
        if seq is None:
            return False
        self.on_evict(seq)
        self.drop(seq)
        return True

    def _is_forked(self, match: Match) -> bool:
        """Whether a prompt gets a fork of the sequence that shares its beginning, and not the sequence itself."""
        n_end = min(match.n_tail, self._n_certain.get(match.seq, self.tree.n_tokens(match.seq)) - match.n_shared)
        is_other_place = not is_same_place(replace(match, n_tail=n_end))
        return self.tree.is_locked(match.seq) or match.seq in self.checkpoints or is_other_place

    def _left_behind(self, prompt: Sequence[int], salt: str) -> list[int]:
        """The ends of earlier requests that are of no more use once this prompt goes on, since it cannot cut them.

        They are those that it would have cut, and those on its way that ended before the one it goes on with.
        """
        matches, longest = self.tree.matches(prompt, salt), self.tree.match(prompt, salt, whole=True)
        n_most = max((match.n_shared for match in matches), default=0)
        on_its_way = [match for match in matches if match.n_shared == n_most or not match.n_tail]
        return [match.seq for match in on_its_way if match != longest and not self._is_forked(match)]

    def _try_cut(self, seq: int, n_tokens: int) -> bool:
        """Let a sequence hold its first tokens only; False when the model's memory refuses."""
        if not self._context.remove_from(seq, n_tokens):
            return False
        self.tree.truncate(seq, n_tokens)
        return True

    def _new(self, salt: str) -> int:
        self._free_a_sequence()
        seq = self.tree.new(salt)
        self.tree.lock(seq)
        return seq

    def _fork(self, source: int, n_tokens: int) -> int:
        was_locked = self.tree.is_locked(source)
        self.tree.lock(source)
        self._free_a_sequence()
        seq = self.tree.fork(source, n_tokens)
        self.tree.lock(seq)
        # llama.cpp adds to what the target holds; an id that was used before may hold something.
        self._context.remove_from(seq, 0)
        self._context.copy_prefix(source, seq, n_tokens)
        if not was_locked:
            self.tree.unlock(source)
        return seq

    def _free_a_sequence(self) -> None:
        if not self.tree.has_free_sequence:
            self.evict()


def is_same_place(match: Match) -> bool:
    """Whether what a sequence holds beyond a prompt is so short that it is an earlier text of the prompt's place."""
    return match.n_tail <= min(_WORTH_KEEPING, match.n_shared)
