"""Choosing a model for a role, by its name or its file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls import bundled
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.probe import check_suits
from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.language import Message
from pylot_ls.library.catalogue import find, load_catalogue

if TYPE_CHECKING:
    from pylot_ls.library.catalogue import Entry

SETTING_OF_ROLE = {Role.COMPLETE: "model.path", Role.CHAT: "roles.chat", Role.EMBED: "roles.embed"}
"""The setting that names the model of each role."""


def is_path(reference: str) -> bool:
    """Whether a file is meant, and no model by its name."""
    return reference.lower().endswith(".gguf") or os.sep in reference


def path_to_use(reference: str, role: Role, folder: Path) -> Path | None:
    """The file to use for a role; None for the bundled one to complete with.

    Args:
        reference: ``NAME``, ``NAME:QUANT`` or a path.
        role: what it is to be for.
        folder: the one for fetched models.

    Raises:
        ModelError: there is none, or it is of no use there.
    """
    if is_path(reference):
        path = Path(reference).expanduser().absolute()
        check_suits(path, role, (bundled.models_dir(),))
        return path
    entry, quantization = find(load_catalogue(folder), reference)
    _check_role(entry, role)
    path = entry.path(quantization)
    if not entry.manifest.name:
        check_suits(path, role, (bundled.models_dir(),))
    return None if entry.is_bundled and role is Role.COMPLETE else path


def _check_role(entry: Entry, role: Role) -> None:
    if entry.manifest.name and role not in entry.roles:
        raise ModelUnsupportedError(
            Message(
                "{model} is for {roles}, not to {role} with; choose one that is: pylot-ls models list",
                model=entry.name,
                roles=", ".join(entry.roles),
                role=role,
            )
        )
