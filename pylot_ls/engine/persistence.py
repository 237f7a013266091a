"""When the prefix cache may be used: once it is known for certain which model this is."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.block_cache import BlockCache
from pylot_ls.engine.identity import model_identity
from pylot_ls.engine.whole_cache import WholeCache
from pylot_ls.kvcache.keys import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pylot_ls.engine.adapters import Adapter
    from pylot_ls.engine.block_cache import StateContext, Store
    from pylot_ls.engine.sequences import Sequences
    from pylot_ls.engine.types import FimTokens

# Raised whenever what is saved, or how, changes.
_FORMAT = 1
# An editor waits for its server's end.
_FLUSH_S = 0.5


@dataclass(frozen=True, slots=True)
class SharedStore:
    """A store that several backends use: none of them closes it."""

    store: Store

    def get(self, key: bytes) -> bytes | None:
        """See ``Store``."""
        return self.store.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """See ``Store``."""
        self.store.put(key, value)

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """See ``Store``."""
        self.store.prefetch(keys, done)

    def limit_memory(self, n_bytes: int) -> None:
        """See ``Store``."""
        self.store.limit_memory(n_bytes)

    def flush(self, timeout_s: float) -> bool:
        """See ``Store``."""
        return self.store.flush(timeout_s)

    def close(self) -> None:
        """Others may still use it."""


@dataclass(frozen=True, slots=True)
class PersistenceConfig:
    """Where evaluated prompts are kept.

    Attributes:
        store: keeps the bytes; closed with the backend.
        identities: a file of ours where the hashes of models are remembered.
    """

    store: Store
    identities: Path


class Persistence:
    """Opens the block cache when the model's identity is known; finding it out takes a thread of its own.

    Args:
        config: see PersistenceConfig.
        model: the model's file.
        parts: everything else that changes KV.
        adapters: of the model; their files change it, too.
    """

    def __init__(
        self,
        config: PersistenceConfig,
        model: Path,
        parts: dict[str, str | int | float],
        adapters: tuple[Adapter, ...] = (),
    ) -> None:
        self._config = config
        self._model = model
        self._parts = parts
        self._adapters = adapters
        self._closing = False
        self._settled = threading.Event()
        self._on_settled: Callable[[], None] = lambda: None
        self._fingerprint: bytes | None = None
        self._cache: BlockCache | None = None
        self._identity: str | None = None
        self._on_identity: list[Callable[[str], None]] = []
        self._thread = threading.Thread(target=self._identify, name="pylot-identity", daemon=True)
        self._thread.start()

    @property
    def is_settled(self) -> bool:
        """Whether it is known by now which model this is, or that it cannot be told."""
        return self._settled.is_set()

    def when_settled(self, callback: Callable[[], None]) -> None:
        """Call back, on any thread and perhaps twice, once ``is_settled`` holds."""
        self._on_settled = callback
        if self.is_settled:
            callback()

    def when_identified(self, callback: Callable[[str], None]) -> None:
        """Call back with the hash of the model's file once it is known, on any thread; never where it cannot be."""
        self._on_identity.append(callback)
        if self.is_settled:
            self._tell_identity()

    def _tell_identity(self) -> None:
        while self._identity is not None and self._on_identity:
            self._on_identity.pop()(self._identity)

    def cache(self, context: StateContext, sequences: Sequences, fim: FimTokens | None) -> BlockCache | None:
        """The cache; None until the model is identified. Called on the worker's thread."""
        if self._cache is None and self._fingerprint is not None:
            where = (self._config.store, self._fingerprint, context, sequences)
            self._cache = BlockCache(*where) if sequences.partial else WholeCache(*where, fim)
        return self._cache

    def close(self) -> None:
        """Save what is left and end the store."""
        self._closing = True
        self._thread.join()
        if self._cache is not None:
            self._cache.save_rest()
        # What is still queued at ``close`` is dropped.
        self._config.store.flush(_FLUSH_S)
        self._config.store.close()

    def _identity_of(self, file: Path) -> str | None:
        return model_identity(file, self._config.identities, lambda: not self._closing)

    def _identify(self) -> None:
        try:
            identity = self._identity = self._identity_of(self._model)
            adapters = [(self._identity_of(each.path), each.scale) for each in self._adapters]
            if identity is not None and all(known for known, _ in adapters):
                named = {f"adapter {number}": f"{known} {scale!r}" for number, (known, scale) in enumerate(adapters)}
                self._fingerprint = fingerprint({**self._parts, **named, "model": identity, "format": _FORMAT})
        finally:
            self._settled.set()
            self._on_settled()
            self._tell_identity()
