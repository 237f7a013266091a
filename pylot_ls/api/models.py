"""Which model a request means, and which there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pylot_ls.api.errors import ApiError
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.types import Ready
from pylot_ls.errors import ModelError

if TYPE_CHECKING:
    from pylot_ls.api.options import ApiOptions
    from pylot_ls.engine.engine import Engine
    from pylot_ls.engine.pool import ModelPool, PooledModel
    from pylot_ls.engine.types import ModelInfo


@dataclass(frozen=True, slots=True)
class Model:
    """A model that answers.

    Attributes:
        name: what it is called.
        engine: that runs it.
        info: what is known of it.
    """

    name: str
    engine: Engine
    info: ModelInfo


class Models:
    """The models of a pool by name. A model's names are its own, its file's, and those of the roles it has.

    Args:
        pool: of engines.
        options: names of what is not loaded yet, and whether other names are taken.
    """

    def __init__(self, pool: ModelPool, options: ApiOptions) -> None:
        self._pool = pool
        self._options = options

    async def get(self, name: str | None, role: Role) -> Model:
        """The model of a name, loaded; without a name, the one of the role.

        Raises:
            ApiError: there is none of that name.
            PylotError: it cannot be loaded.
        """
        if name and not self._options.takes_any_model:
            role = self._role_of(name, role)
        engine = await self._pool.engine(role)
        info = await engine.ready()
        return Model(self.name_of(role, info), engine, info)

    def name_of(self, role: Role, info: ModelInfo) -> str:
        """What a loaded model is called."""
        return self._options.names.get(role.value) or (PurePath(info.path).stem if info.path else info.name)

    def listed(self) -> list[dict[str, Any]]:
        """All models as OpenAI lists them, with what llama-server tells of them."""
        return list(map(self._listed, self._known()))

    def one(self, name: str) -> dict[str, Any]:
        """The model of a name.

        Raises:
            ApiError: there is none.
        """
        found = next((model for model in self._known() if name in self._names(model)), None)
        if found is None:
            raise self._unknown(name)
        return self._listed(found)

    def _known(self) -> list[PooledModel]:
        return [model for model in self._pool.models() if not isinstance(model.state, ModelError)]

    def _unknown(self, name: str) -> ApiError:
        names = ", ".join(self._names(model)[0] for model in self._known()) or "none"
        return ApiError(
            f"there is no model {name!r} here; there are: {names}",
            404,
            "not_found_error",
            code="model_not_found",
            param="model",
        )

    def _listed(self, model: PooledModel) -> dict[str, Any]:
        names = self._names(model)
        info = _info(model)
        return {
            "id": names[0],
            "object": "model",
            "created": 0,
            "owned_by": "pylot-ls",
            "aliases": list(names),
            "roles": [role.value for role in model.roles],
            "status": {"value": "loaded" if model.is_loaded else "unloaded"},
            "meta": None
            if info is None
            else {
                "n_vocab": info.n_vocab,
                "n_ctx": info.n_ctx,
                "n_ctx_train": info.n_ctx_train,
                "n_embd": info.n_embd,
                "n_params": info.n_params,
                "size": info.size_bytes,
            },
        }

    def _role_of(self, name: str, wanted: Role) -> Role:
        """The role through which the model of a name is asked: the wanted one where it has that."""
        for model in self._known():
            if name in self._names(model):
                return wanted if wanted in model.roles else model.roles[0]
        raise self._unknown(name)

    def _names(self, model: PooledModel) -> tuple[str, ...]:
        """What a model may be called, what it is called first."""
        names = [self._options.names[role] for role in model.roles if role in self._options.names]
        info = _info(model)
        if info is not None:
            if info.path:
                names.extend((PurePath(info.path).stem, PurePath(info.path).name))
            names.append(info.name)
        return tuple(dict.fromkeys((*names, *(role.value for role in model.roles))))


def _info(model: PooledModel) -> ModelInfo | None:
    return model.state.info if isinstance(model.state, Ready) else None
