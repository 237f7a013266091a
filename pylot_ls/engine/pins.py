"""Files whose hash a manifest tells: nothing else is loaded in their place.

Where the hash is remembered (``identity.py``) that takes no time, else the whole file is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.engine.identity import known_identity, model_identity
from pylot_ls.engine.manifest import manifest_for, quantization_of
from pylot_ls.errors import ModelUnreadableError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check_pin(model: Path, folders: tuple[Path, ...], memory: Path | None, keep_on: Callable[[], bool]) -> None:
    """Refuse a file that is not the one that its manifest names.

    Args:
        model: the file.
        folders: where manifests lie, after its own.
        memory: where hashes are remembered, see ``known_identity``; None for nowhere.
        keep_on: asked while the file is read; that ends when it returns False.

    Raises:
        ModelUnreadableError: its hash is another one, or cannot be told.
    """
    wanted = pinned_sha256(model, folders)
    if not wanted:
        return
    known = known_identity(model, memory) if memory else None
    # Not remembered here: what is counts as a file that was loaded before, and need not be tried out.
    found = known or model_identity(model, None, keep_on)
    if found is None:
        raise ModelUnreadableError(
            Message("{path} changed while it was read, or cannot be read; try again when it is whole", path=model)
        )
    if found != wanted:
        raise ModelUnreadableError(
            Message(
                "{path} is not the file that its manifest names: its SHA-256 is {found}, not {wanted}; fetch it again, "
                "or give your own file another name",
                path=model,
                found=found,
                wanted=wanted,
            )
        )


def pinned_sha256(model: Path, folders: tuple[Path, ...]) -> str:
    """The hash that a manifest tells of a file, in hex; empty where none does."""
    quantization = quantization_of(model)
    if not quantization:
        # The one of ours for a file of the same name elsewhere says nothing of that file.
        return manifest_for(model, ()).sha256 if model.with_suffix(".toml").is_file() else ""
    files = manifest_for(model, folders).files
    return next((each.sha256 for each in files if each.quantization == quantization), "")
