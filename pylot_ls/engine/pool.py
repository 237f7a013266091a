"""The engines of a process by what they are for: one for each model, loaded at its first use."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.engine import Engine
from pylot_ls.engine.file_watch import FileWatch
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pooled_backend import PooledBackend
from pylot_ls.engine.types import LoadFailed, Ready
from pylot_ls.engine.unloading import Unloadable
from pylot_ls.errors import ModelError, ModelUnsupportedError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylot_ls.engine.backend import Backend
    from pylot_ls.engine.types import ModelInfo, StateEvent
    from pylot_ls.kvcache.shared_store import CacheStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PooledModel:
    """A model of a pool as it is now.

    Attributes:
        roles: what it is for.
        state: None as long as nobody has asked for it; an error where there is none.
        is_loaded: whether it is in memory: it may make way for others.
    """

    roles: tuple[Role, ...]
    state: StateEvent | ModelError | None
    is_loaded: bool


class ModelPool:
    """Hands out engines. All methods are called on one event loop.

    An engine stays valid while its model is unloaded for another's sake; a request then loads it again.

    Args:
        backends: by role; roles that one model serves have the same. An error is why a role has none.
        store: where evaluated prompts are kept; closed at the end. None where they are not.
    """

    def __init__(self, backends: Mapping[Role, Backend | ModelError], store: CacheStore | None = None) -> None:
        self._backends = dict(backends)
        self._engines: dict[Backend, Engine] = {}
        self._started: set[Backend] = set()
        self._watching: asyncio.Task[None] | None = None
        self.store = store

    def start(self, tell: Callable[[str], None] = _log.warning) -> None:
        """Begin to load the model that completes; the others wait until they are asked for.

        ``tell``: tells the user what becomes of models whose files change.
        """
        self._start(self._backend(Role.COMPLETE))
        self._watching = asyncio.ensure_future(FileWatch(tell).watch(self._watched))

    @property
    def complete(self) -> Engine:
        """The engine that completes, loaded or not.

        Raises:
            ModelError: there is none.
        """
        return self._engine(self._backend(Role.COMPLETE))

    async def engine(self, role: Role | str) -> Engine:
        """The engine for a role, once its model is loaded. What failed to load before is tried again.

        Raises:
            ModelError: no model is chosen for it, it cannot be loaded, or it is of no use there.
            EngineClosedError: the pool was closed.
        """
        role = Role(role)
        backend = self._backend(role)
        engine = self._engine(backend)
        if backend not in self._started:
            self._start(backend)
        elif isinstance(engine.state, LoadFailed) and isinstance(backend, Unloadable):
            engine.expect_again()
            await asyncio.to_thread(backend.reload)
        info = await engine.ready()
        if role is Role.CHAT and not info.chats:
            raise ModelUnsupportedError(
                Message(
                    "{model} has no chat format that llama.cpp knows; choose an instruct model: "
                    "pylot-ls models use NAME --role chat",
                    model=info.name,
                )
            )
        return engine

    def known(self, role: Role | str) -> ModelInfo | None:
        """What is known of the model of a role without loading it; None where that is nothing, or there is none."""
        backend = self._backends.get(Role(role))
        engine = None if backend is None or isinstance(backend, ModelError) else self._engines.get(backend)
        return engine.state.info if engine is not None and isinstance(engine.state, Ready) else None

    def has_own(self, role: Role | str) -> bool:
        """Whether another model than the one that completes was chosen for a role."""
        found = self._backends.get(Role(role))
        return (
            found is not None and not isinstance(found, ModelError) and found is not self._backends.get(Role.COMPLETE)
        )

    def models(self) -> tuple[PooledModel, ...]:
        """All models, each with what it is for."""
        roles: dict[Backend | ModelError, list[Role]] = {}
        for role, backend in self._backends.items():
            roles.setdefault(backend, []).append(role)
        return tuple(self._model(backend, tuple(each)) for backend, each in roles.items())

    def _model(self, backend: Backend | ModelError, roles: tuple[Role, ...]) -> PooledModel:
        if isinstance(backend, ModelError):
            return PooledModel(roles, backend, is_loaded=False)
        state = self._engines[backend].state if backend in self._started else None
        is_loaded = backend.is_loaded if isinstance(backend, Unloadable) else isinstance(state, Ready)
        return PooledModel(roles, state, is_loaded)

    def _watched(self) -> list[PooledBackend]:
        return [each for each in self._started if isinstance(each, PooledBackend)]

    async def close(self) -> None:
        """End all requests and free all models."""
        if self._watching is not None:
            self._watching.cancel()
        # At once: one may wait for another to make way.
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))
        if self.store is not None:
            await asyncio.to_thread(self.store.close)

    def _backend(self, role: Role) -> Backend:
        found = self._backends.get(role)
        if found is None:
            raise ModelUnsupportedError(
                Message("no model is chosen for the role {role}: pylot-ls models use NAME --role {role}", role=role)
            )
        if isinstance(found, ModelError):
            raise found
        return found

    def _engine(self, backend: Backend) -> Engine:
        if backend not in self._engines:
            self._engines[backend] = Engine(backend)
        return self._engines[backend]

    def _start(self, backend: Backend) -> None:
        self._started.add(backend)
        self._engine(backend).start()
