"""The models that manifests describe: what each would take of the memory, and which of them a machine has room for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pylot_ls.engine.dimensions import Dimensions, dimensions_of_header
from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.manifest import read_manifest
from pylot_ls.engine.memory_plan import Wishes, plan_memory
from pylot_ls.errors import ManifestError, ModelError, ModelTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pylot_ls.engine.manifest import Manifest, ModelFile, Role
    from pylot_ls.engine.memory_plan import MemoryPlan, Room

# Bits a weight takes, with its share of the scales, averaged over whole models (K mixes hold some tensors in more).
_BITS = {"Q4_0": 4.6, "Q4_K_S": 4.7, "Q4_K_M": 4.9, "Q5_K_M": 5.7, "Q6_K": 6.6, "Q8_0": 8.5, "F16": 16.0, "BF16": 16.0}
_BITS_ELSE = 8.5


def weights_bytes(manifest: Manifest, file: ModelFile) -> int:
    """The size of a file on the hub: what the manifest says, else reckoned from the number of parameters."""
    return file.size_bytes or int(manifest.n_params * _BITS.get(file.quantization, _BITS_ELSE) / 8)


def dimensions_of_manifest(manifest: Manifest, n_bytes: int) -> Dimensions:
    """What a manifest says of the dimensions of a model whose weights have so many bytes."""
    kv = manifest.kv
    if kv is None:
        return Dimensions(n_bytes, n_ctx_train=manifest.n_ctx_train)
    n_rows = kv.n_layers * kv.n_kv_heads
    return Dimensions(
        n_bytes,
        n_layers=kv.n_layers,
        n_ctx_train=manifest.n_ctx_train,
        key_size=n_rows * kv.key_size,
        value_size=n_rows * kv.value_size,
    )


def plan_or_none(dimensions: Dimensions, wishes: Wishes, room: Room) -> MemoryPlan | None:
    """How a model would run; None where there is no room for it."""
    try:
        return plan_memory(dimensions, wishes, room)
    except ModelTooLargeError:
        return None


def largest_that_fits(folders: tuple[Path, ...], role: Role, room: Room) -> str | None:
    """The model with the most parameters that there is room for, as ``models pull`` takes it; None for none.

    Args:
        folders: where manifests lie.
        role: what it is to be for.
        room: what there is.
    """
    found = [
        (manifest.n_params, weights_bytes(manifest, file), f"{name}:{file.quantization}")
        for name, manifest in _manifests(folders)
        if role in manifest.roles
        for file in manifest.files
        if plan_or_none(dimensions_of_manifest(manifest, weights_bytes(manifest, file)), Wishes(), room)
    ]
    return max(found)[2] if found else None


def largest_that_is_here(folders: tuple[Path, ...], role: Role, room: Room) -> str | None:
    """The same of the models whose files lie beside their manifests, as ``models use`` takes it; None for none."""
    found = []
    for folder in folders:
        for name, manifest in _manifests((folder,)):
            file = folder / f"{name}.gguf"
            if role in manifest.roles and file.is_file() and _has_room(file, room):
                found.append((manifest.n_params, name))
    return max(found)[1] if found else None


def _has_room(file: Path, room: Room) -> bool:
    with contextlib.suppress(ModelError):
        return plan_or_none(dimensions_of_header(read_header(file)), Wishes(), room) is not None
    return False


def _manifests(folders: tuple[Path, ...]) -> Iterator[tuple[str, Manifest]]:
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                yield path.stem, read_manifest(path)
            except ManifestError:
                continue  # who looks for a way out has no use for another problem
