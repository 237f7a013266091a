"""KV that outlives the server: saved when there is nothing else to do, put back before a prompt is evaluated.

Runs on the worker's thread; the store does what touches the disk on a thread of its own.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pylot_ls.engine.healing import MOST_TOKENS
from pylot_ls.kvcache.keys import BLOCK_TOKENS, block_keys, run_key, salted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pylot_ls.engine.sequences import Sequences

_log = logging.getLogger(__name__)

# A shorter tail is evaluated sooner than it is read.
_SHORTEST_TAIL = 16
# A tail is found under its exact tokens, and the same text ends in one token less for each that is healed.
_TAIL_ENDS = 1 + MOST_TOKENS
# Keys of what was saved; beyond this many they are forgotten, and the store is asked again.
_MOST_REMEMBERED = 10_000
# An editor waits for its server's end.
_CLOSE_S = 0.3
# Somebody waits for the room that an evicted sequence leaves.
_EVICTION_S = 0.01

# Positions from where up to where, and the key.
Piece = tuple[int, int, bytes]


class Store(Protocol):
    """What is needed of ``kvcache.store.PrefixStore``."""

    def get(self, key: bytes) -> bytes | None:
        """A value from memory."""

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value."""

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """Bring values from disk to memory."""

    def limit_memory(self, n_bytes: int) -> None:
        """Keep no more than so much in memory."""

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was put is written; False when that took too long."""

    def close(self) -> None:
        """End; what is not written yet is dropped."""


class StateContext(Protocol):
    """What is needed of a context."""

    def save(self, seq: int, start: int, end: int) -> bytes:
        """The KV of some positions of a sequence."""

    def load(self, data: bytes, seq: int, start: int, end: int) -> bool:
        """Put saved KV back at the end of a sequence; False when it is not what it should be."""


class BlockCache:
    """Saves and restores the KV of token prefixes; what was saved with a salt is found with it alone.

    Args:
        store: where the bytes are.
        fingerprint: of everything that changes KV.
        context: where the KV is.
        sequences: the record of what is resident.
    """

    def __init__(self, store: Store, fingerprint: bytes, context: StateContext, sequences: Sequences) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._context = context
        self._sequences = sequences
        self._saved: set[bytes] = set()
        self._ends: dict[int, int] = {}
        sequences.on_evict = self._save_evicted
        sequences.on_drop = self.began

    def expect(self, tokens: Sequence[int], done: Callable[[], None], salt: str = "") -> None:
        """Bring what is on disk of a prompt to memory; ``done`` is called after that, on the store's thread."""
        self._store.prefetch([key for _, _, key in self._blocks(tokens, salt)], lambda _n_found: None)
        # Each is a chain of its own: at most one of them is there.
        for _, _, key in self._tails(tokens, _TAIL_ENDS, salt):
            self._store.prefetch([key], lambda _n_found: None)
        self._store.prefetch([], lambda _n_found: done())

    def began(self, seq: int, n_untouched: int = 0) -> None:
        """A sequence is in use: what it will hold is not known to be worth keeping yet.

        ``n_untouched``: so many of its first tokens stay as they are, and as worth keeping as they were.
        """
        if self._ends.get(seq, 0) > n_untouched or not n_untouched:
            self._ends.pop(seq, None)

    def ended(self, seq: int, n_prompt: int) -> None:
        """A request is done: its sequence is worth keeping up to the prompt's end."""
        self._ends[seq] = n_prompt

    def next_piece(self, tokens: Sequence[int], n_stored: int, salt: str = "") -> tuple[int, int] | None:
        """Which positions of a prompt could be put back next, behind so many that are resident; None for none."""
        piece = next(self._in_memory(self._all_pieces(tokens, salt), n_stored), None)
        return piece and piece[:2]

    def reaches(self, tokens: Sequence[int], n_stored: int, salt: str = "") -> int:
        """How many tokens of a prompt are resident once what memory has of it is put back, behind so many that are."""
        pieces = self._all_pieces(tokens, salt)
        while (piece := next(self._in_memory(pieces, n_stored), None)) is not None:
            n_stored = piece[1]
        return n_stored

    def restore(self, seq: int, tokens: Sequence[int], n_stored: int, n_pieces: int | None = None) -> int:
        """Put back what memory has of a prompt beyond what is resident; how many tokens the sequence holds then.

        The last token of the prompt is never taken from the store: its logits are not in it. With ``n_pieces`` no more
        are put back.
        """
        pieces, n_done = self._all_pieces(tokens, self._sequences.tree.salt(seq)), 0
        while n_pieces is None or n_done < n_pieces:
            piece = next(self._in_memory(pieces, n_stored), None)
            if piece is None or not self._put_back(seq, tokens, piece):
                break
            n_stored, n_done = piece[1], n_done + 1
        return self._sequences.tree.n_tokens(seq)

    def save_one(self, *, tails: bool) -> bool:
        """Save the first piece that is not saved yet; False when there is none.

        With ``tails`` also what fills no block: it changes at every keystroke, so only when the user rests.
        """
        if len(self._saved) > _MOST_REMEMBERED:
            self._saved.clear()
        return any(self._save_first(seq, tails=tails) for seq in reversed(self._sequences.tree.sequences))

    def save_rest(self) -> None:
        """Save what is left, as far as there is time."""
        until = time.perf_counter() + _CLOSE_S
        while time.perf_counter() < until and self.save_one(tails=True):
            pass

    def _save_evicted(self, seq: int) -> None:
        """Whoever returns to the place of an evicted sequence finds it in memory, as far as there is time to save."""
        until = time.perf_counter() + _EVICTION_S
        while time.perf_counter() < until and self._save_first(seq, tails=True):
            pass

    def _save_first(self, seq: int, *, tails: bool) -> bool:
        """Save the first piece of a sequence that is not saved yet; False when there is none."""
        tokens, salt = self._sequences.tree.tokens(seq)[: self._ends.get(seq, 0)], self._sequences.tree.salt(seq)
        for start, end, key in (*self._blocks(tokens, salt), *(self._tails(tokens, 1, salt) if tails else ())):
            if key not in self._saved:
                self._saved.add(key)
                self._store.put(key, self._context.save(seq, start, end))
                return True
        return False

    def _put_back(self, seq: int, tokens: Sequence[int], piece: Piece) -> bool:
        start, end, key = piece
        data = self._store.get(key)
        if data is None or not self._sequences.make_room(end - start):
            return False
        load = partial(self._context.load, data, seq, start, end)
        if not self._sequences.restored(seq, start, tokens[start:end], load):
            _log.warning("a saved block was not taken by llama.cpp; it is evaluated instead")
            return False
        self._saved.add(key)
        return True

    def _in_memory(self, pieces: Sequence[Piece], n_stored: int) -> Iterator[Piece]:
        """The pieces that go on behind so many tokens and are in memory."""
        for start, end, key in pieces:
            if start <= n_stored < end and self._store.get(key) is not None:
                yield start, end, key

    def _all_pieces(self, tokens: Sequence[int], salt: str) -> list[Piece]:
        return [*self._blocks(tokens, salt), *self._tails(tokens, _TAIL_ENDS, salt)]

    def _blocks(self, tokens: Sequence[int], salt: str) -> list[Piece]:
        """The full blocks before a prompt's last token."""
        keys = block_keys(salted(self._fingerprint, salt), tokens[: len(tokens) - 1])
        return [(n * BLOCK_TOKENS, (n + 1) * BLOCK_TOKENS, key) for n, key in enumerate(keys)]

    def _tails(self, tokens: Sequence[int], n_ends: int, salt: str) -> list[Piece]:
        """What follows the full blocks, up to the last token, the one before it, and so on."""
        beginning = salted(self._fingerprint, salt)
        ends = range(len(tokens) - 1, max(0, len(tokens) - 1 - n_ends), -1)
        starts = [(end - end % BLOCK_TOKENS, end) for end in ends]
        return [
            (start, end, run_key(beginning, tokens[:end])) for start, end in starts if end - start >= _SHORTEST_TAIL
        ]
