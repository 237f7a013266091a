"""What the shared server is and does, as plain data for ``serve --status``, ``top`` and programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pylot_ls import machine
from pylot_ls.engine.types import Ready
from pylot_ls.language import ENGLISH
from pylot_ls.lsp.status import model_status

if TYPE_CHECKING:
    from pylot_ls.engine.remote import RemoteProcess
    from pylot_ls.engine.shared_pool import SharedModels


def engine_status(process: RemoteProcess | None) -> dict[str, Any]:
    """The process that holds the models: its id, 0 while there is none, and how often it ended lately by itself."""
    if process is None:
        return {}
    pid = process.pid
    return {
        "pid": pid,
        "memory_bytes": machine.process_memory_bytes(pid) if pid else 0,
        "n_ends": process.n_recent_ends,
    }


def models_status(models: SharedModels) -> list[dict[str, Any]]:
    """Each model with its state and its plan of the memory, and what it has done for all editors so far."""
    found = []
    for model, shared in models.models():
        status = model_status(model, ENGLISH)
        if isinstance(model.state, Ready) and model.state.plan is not None:
            status["needed_bytes"] = model.state.plan.needed_bytes
        if shared is not None:
            status["counts"] = {**asdict(shared.counts), "n_in_flight": shared.n_in_flight}
        found.append(status)
    return found
