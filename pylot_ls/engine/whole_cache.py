"""KV that outlives the server, of models whose KV cannot be cut: whole prefixes in place of blocks.

Of each prompt what is frozen is kept, as one piece under its exact tokens: it stays the same while the user types in a
place, and a document opened again begins with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.engine.block_cache import BlockCache
from pylot_ls.engine.checkpoints import frozen_places
from pylot_ls.kvcache.keys import run_key, salted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.block_cache import Piece, StateContext, Store
    from pylot_ls.engine.sequences import Sequences
    from pylot_ls.engine.types import FimTokens


class WholeCache(BlockCache):
    """Saves and restores the KV of what is frozen in prompts.

    Args:
        store: where the bytes are.
        fingerprint: of everything that changes KV.
        context: where the KV is.
        sequences: the record of what is resident.
        fim: by which it is told what is frozen.
    """

    def __init__(
        self,
        store: Store,
        fingerprint: bytes,
        context: StateContext,
        sequences: Sequences,
        fim: FimTokens | None,
    ) -> None:
        super().__init__(store, fingerprint, context, sequences)
        self._fim = fim
        # What is frozen of prompts that may be kept, each with its salt, the last one at the end.
        self._due: dict[bytes, tuple[Sequence[int], str]] = {}
        self._refused: set[bytes] = set()

    def expect(self, tokens: Sequence[int], done: Callable[[], None], salt: str = "") -> None:
        """Bring what is on disk of a prompt to memory; ``done`` is called after that, on the store's thread."""
        self._store.prefetch([key for _, _, key in self._all_pieces(tokens, salt)], lambda _n_found: done())

    def ended(self, seq: int, n_prompt: int) -> None:
        """A request is done: what is frozen of its prompt is worth keeping."""
        tokens, salt = self._sequences.tree.tokens(seq)[:n_prompt], self._sequences.tree.salt(seq)
        for _, end, key in self._frozen(tokens, salt):
            self._due.pop(key, None)
            self._due[key] = tokens[:end], salt

    def save_one(self, *, tails: bool) -> bool:
        """Save what is due and resident, the last first; False when there is nothing.

        Only with ``tails``, so when the user rests: it is as large as the prompt.
        """
        while tails and self._due:
            key, (tokens, salt) = self._due.popitem()
            match = self._sequences.tree.match(tokens, salt, whole=True)
            if key not in self._saved and match is not None and match.n_shared == len(tokens):
                self._saved.add(key)
                self._store.put(key, self._context.save(match.seq, 0, len(tokens)))
                return True
        return False

    def _put_back(self, seq: int, tokens: Sequence[int], piece: Piece) -> bool:
        if super()._put_back(seq, tokens, piece):
            return True
        # Trying again would begin with dropping what has been evaluated instead.
        self._refused.add(piece[2])
        return False

    def _all_pieces(self, tokens: Sequence[int], salt: str) -> list[Piece]:
        # The logits of a prompt's last token are not kept.
        return [piece for piece in self._frozen(tokens[: len(tokens) - 1], salt) if piece[2] not in self._refused]

    def _frozen(self, tokens: Sequence[int], salt: str) -> list[Piece]:
        places = frozen_places(tokens, self._fim)
        beginning = salted(self._fingerprint, salt)
        return [(0, places[-1], run_key(beginning, tokens[: places[-1]]))] if places else []
