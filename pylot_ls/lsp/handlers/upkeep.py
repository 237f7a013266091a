"""The commands ``pylot-ls.status``, ``pylot-ls.clearCache`` and ``pylot-ls.switchModel``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls.bundled import bundled_model_path
from pylot_ls.config.cache import clear_cache
from pylot_ls.config.folders import models_folder
from pylot_ls.engine.manifest import Role
from pylot_ls.errors import ModelNotFoundError, ModelUnsupportedError
from pylot_ls.language import Message
from pylot_ls.lsp.arguments import text_of
from pylot_ls.lsp.params import InvalidParamsError
from pylot_ls.lsp.status import status_of

if TYPE_CHECKING:
    from pylot_ls.lsp.server import PylotServer

STATUS = "pylot-ls.status"
CLEAR_CACHE = "pylot-ls.clearCache"
SWITCH_MODEL = "pylot-ls.switchModel"


def register(server: PylotServer) -> None:
    """Register the commands."""
    server.command(STATUS)(_status)
    server.command(CLEAR_CACHE)(_clear_cache)
    server.command(SWITCH_MODEL)(_switch_model)


async def _status(ls: PylotServer) -> dict[str, Any]:
    return await status_of(ls.session)


async def _clear_cache(ls: PylotServer) -> dict[str, int]:
    """Remove what is kept of evaluated prompts; what was on disk of it."""
    ls.session.hovers.explanations.clear()
    content = await asyncio.to_thread(clear_cache, ls.session.pool.store)
    return {"n_entries": content.n_entries, "n_bytes": content.n_bytes}


async def _switch_model(ls: PylotServer, role: Any, reference: Any) -> dict[str, str]:
    """Run another model for a role until the server ends; no file is written."""
    # It takes longer to import than the server may to start.
    from pylot_ls.library.choice import SETTING_OF_ROLE, is_path, path_to_use  # noqa: PLC0415

    if role not in list(Role):
        raise InvalidParamsError(f"params.arguments[0]: is not valid, expected one of {', '.join(Role)}")
    chosen, wanted = Role(role), text_of(reference, 1)
    session = ls.session
    if session.settings.model.backend == "scripted":
        raise ModelUnsupportedError(Message("the scripted backend has no models; set model.backend to llama"))
    if is_path(wanted):
        await asyncio.to_thread(_refuse_of_workspace, wanted, session.workspace_folders)
    path = await asyncio.to_thread(path_to_use, wanted, chosen, models_folder()) or bundled_model_path()
    await session.run_model(SETTING_OF_ROLE[chosen], path, chosen)
    return {"role": chosen.value, "path": str(path)}


def _refuse_of_workspace(path: str, folders: tuple[Path, ...]) -> None:
    """A repository must not choose what runs, not even by a command that it has an editor send."""
    try:
        target = Path(path).expanduser().resolve()
    except (ValueError, RuntimeError, OSError) as error:  # a null character, no such user, links in a circle
        raise ModelNotFoundError(Message("no model at {path}: {reason}", path=path, reason=error)) from error
    if any(target.is_relative_to(folder.resolve()) for folder in folders):
        raise ModelUnsupportedError(
            Message(
                "{path} lies in the workspace, and a repository must not choose what runs; move the file, or choose it "
                "by pylot-ls models use",
                path=path,
            )
        )
