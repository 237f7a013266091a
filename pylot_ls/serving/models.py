"""The models of the shared server, in a process of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pylot_ls
from pylot_ls.config.cache import make_prefix_store
from pylot_ls.config.wiring import role_numbers
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.remote import RemoteProcess
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.shared_pool import SharedModels
from pylot_ls.engine.types import LoadFailed
from pylot_ls.errors import ModelError
from pylot_ls.language import text_of

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.backend import Backend

_COMMAND = (sys.executable, "-m", "pylot_ls.serving.engine_child")


def make_shared_models(settings: Settings) -> tuple[SharedModels, RemoteProcess]:
    """The models that the settings choose, none of them loaded, and the process that will hold them.

    Where there is no model each request says why.
    """
    process = RemoteProcess(_COMMAND, (settings.model_dump_json(),), environment=_environment())
    backends: dict[Role, Backend]
    try:
        numbers = role_numbers(settings)
    except ModelError as error:
        failing = ScriptedBackend(load_failure=LoadFailed(text_of(error), type(error).__name__))
        backends = {Role.COMPLETE: failing, Role.CHAT: failing}
        return SharedModels(backends), process
    remote = [process.backend() for _ in range(max(numbers.values()) + 1)]
    backends = {role: remote[number] for role, number in numbers.items()}
    store = None if settings.model.backend == "scripted" else make_prefix_store(settings)
    return SharedModels(backends, store, on_clear=lambda: process.send("clear")), process


def _environment() -> dict[str, str]:
    """Ours, from which this very installation is imported, also where it is not on the path."""
    root = str(Path(pylot_ls.__file__).resolve().parent.parent)
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": search}
