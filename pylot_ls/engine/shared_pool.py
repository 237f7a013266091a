"""The models of a process that serves many sessions: each session gets a pool of its own, over the same models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pylot_ls.engine.pool import ModelPool, PooledModel
from pylot_ls.engine.shared_backend import SharedBackend
from pylot_ls.errors import ModelError
from pylot_ls.kvcache.shared_store import SharedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylot_ls.engine.backend import Backend
    from pylot_ls.engine.manifest import Role
    from pylot_ls.kvcache.shared_store import CacheStore


class SharedModels:
    """Hands out pools. Closing one ends the requests of its session and nothing else.

    Args:
        backends: by role, as ``ModelPool`` has them; none of them started.
        store: where evaluated prompts are kept, and what sessions remember; None for nowhere.
        on_clear: called when the store is cleared, on any thread: others may hold some of it, too.
    """

    def __init__(
        self,
        backends: Mapping[Role, Backend | ModelError],
        store: CacheStore | None = None,
        on_clear: Callable[[], object] = lambda: None,
    ) -> None:
        self._shared = {each: SharedBackend(each) for each in backends.values() if not isinstance(each, ModelError)}
        self._backends = dict(backends)
        self._store = store
        self._sessions_store = SharedStore(store, on_clear) if store is not None else None

    def pool_of(self, session: str) -> ModelPool:
        """The models as one session sees them.

        Args:
            session: its name, which no other has; without a slash.
        """
        own = {backend: shared.of(session) for backend, shared in self._shared.items()}
        return ModelPool(
            {role: each if isinstance(each, ModelError) else own[each] for role, each in self._backends.items()},
            self._sessions_store.of_session() if self._sessions_store is not None else None,
        )

    def models(self) -> tuple[tuple[PooledModel, SharedBackend | None], ...]:
        """All models, each with what it is for and what it does; None where there is none."""
        roles: dict[Backend | ModelError, list[Role]] = {}
        for role, backend in self._backends.items():
            roles.setdefault(backend, []).append(role)
        return tuple(self._model(backend, tuple(each)) for backend, each in roles.items())

    def _model(
        self, backend: Backend | ModelError, roles: tuple[Role, ...]
    ) -> tuple[PooledModel, SharedBackend | None]:
        if isinstance(backend, ModelError):
            return PooledModel(roles, backend, is_loaded=False), None
        shared = self._shared[backend]
        return PooledModel(roles, shared.state, shared.is_loaded), shared

    async def close(self) -> None:
        """Free the models and close the store."""
        await asyncio.gather(*(asyncio.to_thread(each.close) for each in self._shared.values()))
        if self._store is not None:
            await asyncio.to_thread(self._store.close)
