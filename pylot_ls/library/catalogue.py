"""Which models there are: those that manifests describe, and the files in the user's folder."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls import bundled
from pylot_ls.engine.manifest import Manifest, ModelFile, Role, read_manifest
from pylot_ls.errors import ModelNotFoundError, UnknownModelError
from pylot_ls.language import Message, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SUFFIX = ".gguf"
_NEAR = 0.4  # difflib's ratio from which a name is worth suggesting


@dataclass(frozen=True, slots=True)
class Entry:
    """A model.

    Attributes:
        name: how it is called.
        manifest: what is known of it; the default one where there is none.
        installed: the files that are here, by quantisation; "" is that of a file that is no model of a manifest.
        is_bundled: whether it came with pylot-ls.
    """

    name: str
    manifest: Manifest
    installed: Mapping[str, Path] = field(default_factory=dict)
    is_bundled: bool = False

    @property
    def roles(self) -> tuple[Role, ...]:
        """What it is for, as far as is known."""
        return self.manifest.roles

    def file(self, quantization: str = "") -> ModelFile:
        """The file on the hub of a quantisation, or the one to take first.

        Raises:
            UnknownModelError: there is none.
        """
        for each in self.manifest.files:
            if quantization.upper() in {"", each.quantization}:
                return each
        offered = ", ".join(each.quantization for each in self.manifest.files)
        if not offered:
            raise UnknownModelError(f"{self.name} has no file on the hub: it is here already")
        raise UnknownModelError(f"{self.name} is not offered in {quantization}; there are: {offered}")

    def path(self, quantization: str = "") -> Path:
        """The installed file of a quantisation, or any.

        Raises:
            ModelNotFoundError: it is not here.
        """
        for each, path in self.installed.items():
            if quantization.upper() in {"", each}:
                return path
        wanted = f"{self.name}:{quantization}" if quantization else self.name
        raise ModelNotFoundError(
            Message("{model} is not installed; fetch it: pylot-ls models pull {model}", model=wanted)
        )


def load_catalogue(folder: Path) -> tuple[Entry, ...]:
    """All models, by name; ``folder`` is the one for fetched models.

    Raises:
        ManifestError: a manifest, ours or one in the folder, cannot be used.
    """
    manifests = {
        path.stem: read_manifest(path)
        for place in (bundled.models_dir(), folder)
        for path in sorted(place.glob("*.toml"))
    }
    files = sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.is_file())
    entries = [_known(name, manifest, files) for name, manifest in manifests.items()]
    claimed = {path for entry in entries for path in entry.installed.values()}
    entries += [Entry(path.stem, Manifest(), {"": path}) for path in files if path not in claimed]
    return tuple(sorted(entries, key=lambda entry: entry.name))


def installed_path(folder: Path, name: str, file: ModelFile) -> Path:
    """Where a model's file is put."""
    return folder / f"{name}-{file.quantization}{_SUFFIX}"


def forget_partials(folder: Path, entry: Entry) -> None:
    """Remove what was fetched of a model's files and never became whole."""
    for file in entry.manifest.files:
        for path in folder.glob(f".{installed_path(folder, entry.name, file).name}.*.part"):
            path.unlink(missing_ok=True)


def find(entries: tuple[Entry, ...], reference: str) -> tuple[Entry, str]:
    """The model that ``NAME`` or ``NAME:QUANT`` means, and the quantisation, "" for none in particular.

    Raises:
        UnknownModelError: there is none; it suggests the nearest names.
    """
    name, _, quantization = reference.partition(":")
    by_name = {entry.name.lower(): entry for entry in entries}
    if name.lower() in by_name:
        return by_name[name.lower()], quantization
    near = difflib.get_close_matches(name.lower(), by_name, n=3, cutoff=_NEAR)
    advice = (
        Message("did you mean {names}?", names=one_of(near))
        if near
        else Message("the command pylot-ls models list shows all")
    )
    raise UnknownModelError(Message("there is no model {name}; {advice}", name=repr(name), advice=advice))


def _known(name: str, manifest: Manifest, files: list[Path]) -> Entry:
    beside = bundled.models_dir() / f"{name}{_SUFFIX}"
    if not manifest.files and beside.is_file():
        return Entry(name, manifest, {"": beside}, is_bundled=True)
    quantizations = {f"{name}-{file.quantization}{_SUFFIX}": file.quantization for file in manifest.files}
    installed = {quantizations[path.name]: path for path in files if path.name in quantizations}
    own = {path.stem: path for path in files}.get(name)
    return Entry(name, manifest, installed | ({"": own} if own else {}))
