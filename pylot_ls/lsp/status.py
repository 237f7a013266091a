"""What a server is and does, as plain data: its models, their plan of the memory, how fast they are, its cache."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls import __version__
from pylot_ls.config.cache import speed_book
from pylot_ls.engine.types import LoadFailed, Loading, Ready
from pylot_ls.errors import ModelError
from pylot_ls.language import text_of

if TYPE_CHECKING:
    from pylot_ls.engine.pool import PooledModel
    from pylot_ls.language import Language
    from pylot_ls.lsp.session import Session


async def status_of(session: Session) -> dict[str, Any]:
    """The status of a session; names of keys are those of the dataclasses behind them."""
    pool, language = session.pool, session.language
    models = [model_status(each, language) for each in pool.models()]
    for model in models:
        if "info" in model and model["plan"] is not None:
            model["speed"] = await asyncio.to_thread(_speed, model)
    store = pool.store
    cache = await asyncio.to_thread(store.stats) if store is not None else {}
    return {
        "version": __version__,
        "language": {"tag": language.tag, "name": language.name},
        "models": models,
        "cache": {
            "is_used": store is not None,
            "problem": store.problem if store is not None else None,
            **cache,
        },
        "background_tokens": session.engine.background_tokens,
        "n_documents": len(session.documents.uris),
    }


def model_status(model: PooledModel, language: Language) -> dict[str, Any]:
    """What is known of a model; ``state`` is "unused", "loading", "ready", "unloaded" or "failed"."""
    found: dict[str, Any] = {"roles": [role.value for role in model.roles], "state": "unused"}
    match model.state:
        case Loading():
            found |= {"state": "loading", "fraction": model.state.fraction}
        case Ready():
            plan = asdict(model.state.plan) if model.state.plan is not None else None
            state = "ready" if model.is_loaded else "unloaded"
            found |= {"state": state, "info": asdict(model.state.info), "plan": plan}
        case LoadFailed():
            found |= {"state": "failed", "message": language.of(model.state.message)}
        case ModelError():
            found |= {"state": "failed", "message": language.of(text_of(model.state))}
    return found


def _speed(model: dict[str, Any]) -> dict[str, Any] | None:
    """How fast a loaded model was measured to be, in tokens per second; None where it was not."""
    info, n_threads = model["info"], model["plan"]["shape"]["n_threads"]
    speed = speed_book().speed(Path(info["path"]), n_threads, info["size_bytes"], info["n_params"])
    return asdict(speed) if speed is not None and speed.is_measured else None
