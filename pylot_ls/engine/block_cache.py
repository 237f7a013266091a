"""KV that outlives the server: saved when there is nothing else to do, put back between the chunks of a prompt.

Runs on the worker's thread; the store does what touches the disk on a thread of its own. Never in the way: what is not
in memory when a chunk is to be evaluated is evaluated.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pylot_ls.kvcache.keys import BLOCK_TOKENS, block_keys, run_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.sequences import Sequences

_log = logging.getLogger(__name__)

# A shorter tail is evaluated sooner than it is read.
_SHORTEST_TAIL = 16
# Keys of what was saved; beyond this many they are forgotten, and the store is asked again.
_MOST_REMEMBERED = 10_000
# An editor waits for its server's end.
_CLOSE_S = 0.3


class Store(Protocol):
    """What is needed of ``kvcache.store.PrefixStore``."""

    def get(self, key: bytes) -> bytes | None:
        """A value from memory."""

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value."""

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """Bring values from disk to memory."""

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
    """Saves and restores the KV of token prefixes.

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

    def expect(self, tokens: Sequence[int]) -> None:
        """A prompt has begun: what is on disk of it comes to memory while its first chunk is evaluated."""
        self._store.prefetch([key for _, _, key in self._pieces(tokens)], lambda _n_found: None)

    def began(self, seq: int) -> None:
        """A sequence is in use: what it will hold is not known to be worth keeping yet."""
        self._ends.pop(seq, None)

    def ended(self, seq: int, n_prompt: int) -> None:
        """A request is done: its sequence is worth keeping up to the prompt's end."""
        self._ends[seq] = n_prompt

    def restore(self, seq: int, tokens: Sequence[int], n_stored: int) -> int:
        """Put back what the store has of a prompt beyond what is resident; how many tokens the sequence holds then.

        The last token of the prompt is never taken from the store: its logits are not in it.
        """
        for start, end, key in self._pieces(tokens):
            if end <= n_stored:
                continue
            data = self._store.get(key)
            if data is None or start > n_stored or not self._sequences.make_room(end - start):
                break
            load = partial(self._context.load, data, seq, start, end)
            if not self._sequences.restored(seq, start, tokens[start:end], load):
                _log.warning("a saved block was not taken by llama.cpp; it is evaluated instead")
                break
            self._saved.add(key)
            n_stored = end
        return self._sequences.tree.n_tokens(seq)

    def save_one(self, *, tails: bool) -> bool:
        """Save the first piece that is not saved yet; False when there is none.

        With ``tails`` also what fills no block: it changes at every keystroke, so only when the user rests.
        """
        if len(self._saved) > _MOST_REMEMBERED:
            self._saved.clear()
        tree = self._sequences.tree
        for seq in reversed(tree.sequences):
            tokens = tree.tokens(seq)[: self._ends.get(seq, 0)]
            for start, end, key in self._pieces(tokens):
                if key not in self._saved and (tails or end - start == BLOCK_TOKENS):
                    self._saved.add(key)
                    self._store.put(key, self._context.save(seq, start, end))
                    return True
        return False

    def save_rest(self) -> None:
        """Save what is left, as far as there is time."""
        until = time.perf_counter() + _CLOSE_S
        while time.perf_counter() < until and self.save_one(tails=True):
            pass

    def _pieces(self, tokens: Sequence[int]) -> list[tuple[int, int, bytes]]:
        """The pieces a prompt is saved in, as (start, end, key): full blocks, then the tail but its last token."""
        keys = block_keys(self._fingerprint, tokens)
        pieces = [(n * BLOCK_TOKENS, (n + 1) * BLOCK_TOKENS, key) for n, key in enumerate(keys)]
        if pieces and pieces[-1][1] == len(tokens):
            pieces.pop()
        start, end = len(pieces) * BLOCK_TOKENS, len(tokens) - 1
        if end - start >= _SHORTEST_TAIL:
            pieces.append((start, end, run_key(self._fingerprint, tokens[:end])))
        return pieces
