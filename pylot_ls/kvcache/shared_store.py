"""One store for many sessions: what one of them has written another does not read while it lives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class CacheStore(Protocol):
    """What is needed of ``PrefixStore`` beside the engine."""

    @property
    def problem(self) -> str | None:
        """See ``PrefixStore``."""

    def get(self, key: bytes) -> bytes | None:
        """See ``PrefixStore``."""

    def replace(self, key: bytes, value: bytes) -> None:
        """See ``PrefixStore``."""

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """See ``PrefixStore``."""

    def clear(self) -> None:
        """See ``PrefixStore``."""

    def close(self) -> None:
        """See ``PrefixStore``."""

    def stats(self) -> dict[str, int]:
        """See ``PrefixStore``."""


class SharedStore:
    """Knows which session has written what. Any thread may use it.

    Args:
        store: of all sessions; who made it closes it.
        on_clear: called when it is cleared.
    """

    def __init__(self, store: CacheStore, on_clear: Callable[[], object] = lambda: None) -> None:
        self.store = store
        self.on_clear = on_clear
        self._lock = threading.Lock()
        self._writers: dict[bytes, SessionStore] = {}

    def of_session(self) -> SessionStore:
        """The store as a new session sees it."""
        return SessionStore(self)

    def may_read(self, key: bytes, session: SessionStore) -> bool:
        """Whether no other living session has written a value."""
        return self._writers.get(key, session) is session

    def may_write(self, key: bytes, session: SessionStore) -> bool:
        """The same; if so it is this session's from here on."""
        with self._lock:
            return self._writers.setdefault(key, session) is session

    def leave(self, session: SessionStore) -> None:
        """What a session has written is there for all."""
        with self._lock:
            self._writers = {key: writer for key, writer in self._writers.items() if writer is not session}


class SessionStore:
    """See ``CacheStore``. Records of texts that two sessions have open differ, and each is to see its own.

    What a session leaves behind when it ends is there for those that come later, as it is after a restart.
    """

    def __init__(self, shared: SharedStore) -> None:
        self._shared = shared
        self._store = shared.store

    @property
    def problem(self) -> str | None:
        """See ``PrefixStore``."""
        return self._store.problem

    def get(self, key: bytes) -> bytes | None:
        """The value, unless it is another living session's."""
        return self._store.get(key) if self._shared.may_read(key, self) else None

    def replace(self, key: bytes, value: bytes) -> None:
        """Keep a value, unless another living session has one there."""
        if self._shared.may_write(key, self):
            self._store.replace(key, value)

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """See ``PrefixStore``."""
        self._store.prefetch(keys, done)

    def clear(self) -> None:
        """Remove every trace, the other sessions' included: it is the user who wants that."""
        self._store.clear()
        self._shared.on_clear()

    def close(self) -> None:
        """The session ends; the store stays."""
        self._shared.leave(self)

    def stats(self) -> dict[str, int]:
        """See ``PrefixStore``."""
        return self._store.stats()
