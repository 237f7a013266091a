"""Manifests: what is known of a model beside its own metadata, in a TOML file named after it."""

from __future__ import annotations

import enum
import hashlib
import logging
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.manifest_table import Table
from pylot_ls.engine.prompt_types import FimOrder
from pylot_ls.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

# How files of a model are told apart by their quantisation: model-Q8_0.gguf, model.q4_k_m.gguf.
_QUANTIZATION = re.compile(r"[-.](?:IQ\d\w*|Q\d\w*|BF16|F16|F32|MXFP4)$", re.IGNORECASE)
_BYTES_F16 = 2


class Role(enum.StrEnum):
    """What a model is used for."""

    COMPLETE = "complete"
    CHAT = "chat"
    EMBED = "embed"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Which top-level modules and packages were kept out of a model's training.

    Those whose name, as an import statement writes it, has an MD5 digest that leaves one of ``remainders`` when it is
    divided by ``modulus``.
    """

    modulus: int
    remainders: tuple[int, ...]

    def holds_out(self, name: str) -> bool:
        """Whether the model has not been trained on the top-level module or package of this name."""
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        return int(digest, 16) % self.modulus in self.remainders


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF file on the hub.

    Attributes:
        quantization: as llama.cpp names it, in capitals.
        repository: ``owner/name`` on the hub.
        file: its path in the repository.
        size_bytes: about; 0 where it is not known.
        sha256: of its content, in hex; nothing else is loaded in its place. Empty where it is not known.
    """

    quantization: str
    repository: str
    file: str
    size_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class FimTexts:
    """The texts of the fill-in-the-middle tokens; ``middle`` is empty where the form has no such token."""

    prefix: str
    suffix: str
    middle: str


@dataclass(frozen=True, slots=True)
class KvShape:
    """What a model keeps of each token: keys and values of some heads in each layer; sizes in elements."""

    n_layers: int
    n_kv_heads: int
    key_size: int
    value_size: int

    @property
    def bytes_per_token(self) -> int:
        """With keys and values in half precision."""
        return self.n_layers * self.n_kv_heads * (self.key_size + self.value_size) * _BYTES_F16


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says; what it does not say is empty, 0 or None.

    Attributes:
        name: how people call it.
        source: the page of the model's own card.
        license: as SPDX writes it, or the name its authors gave it.
        license_note: what to heed before using it, for licences with conditions that are not usual.
        roles: what it is good for.
        n_params: of the weights, about.
        n_ctx_train: tokens of context that it was trained on.
        files: on the hub, the one to take first.
        fim_orders: orders of fill-in-the-middle prompts, the one that works best first.
        fim_texts: the tokens of those prompts, used where a file's metadata does not name them.
        file_form: how another file is given as context, with {path} and {content} in it.
        chat_format: name of the chat template.
        kv: what a token takes in memory; None for a model that keeps nothing.
        sha256: of the file of that name beside the manifest, as in ModelFile.
        held_out: what of Python's standard library and of installed packages the model was not trained on; None where
            nothing is known of its training.
    """

    # PSM is what every published fill-in-the-middle model knows.
    fim_orders: tuple[FimOrder, ...] = (FimOrder.PSM,)
    held_out: HeldOut | None = None
    name: str = ""
    source: str = ""
    license: str = ""
    license_note: str = ""
    roles: tuple[Role, ...] = (Role.COMPLETE,)
    n_params: int = 0
    n_ctx_train: int = 0
    files: tuple[ModelFile, ...] = ()
    fim_texts: FimTexts | None = None
    file_form: str = ""
    chat_format: str = ""
    kv: KvShape | None = None
    sha256: str = ""


def quantization_of(model: Path) -> str:
    """The quantisation in a file's name, in capitals; empty where there is none."""
    found = _QUANTIZATION.search(model.stem)
    return found[0][1:].upper() if found else ""


def manifest_for(model: Path, folders: tuple[Path, ...]) -> Manifest:
    """The manifest of a model file, from beside it or the first folder that has one, else the default.

    It is named after the file (``<stem>.toml``), or after the file without its quantisation, in small letters.
    A manifest that cannot be used is logged and passed over: the model itself may be sound.
    """
    for path in _candidates(model, folders):
        if path.is_file():
            try:
                return read_manifest(path)
            except ManifestError as error:
                _log.warning("%s", error)
    return Manifest()


def _candidates(model: Path, folders: tuple[Path, ...]) -> Iterator[Path]:
    names = dict.fromkeys((model.stem, _QUANTIZATION.sub("", model.stem).lower()))
    for folder in (model.parent, *folders):
        yield from (folder / f"{name}.toml" for name in names)


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        ManifestError: it cannot be read, or says what no manifest says.
    """
    try:
        return _parse(Table(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ManifestError(f"manifest {path} is not used: {reason}") from error


def _parse(raw: Table) -> Manifest:
    roles = raw.choices("roles", Role) or (Role.COMPLETE,)
    fim, chat = raw.table("fim"), raw.table("chat")
    orders = fim.choices("orders", FimOrder)
    if Role.COMPLETE in roles and not orders:
        raise ValueError(f"fim.orders must be a list of: {', '.join(FimOrder)}")
    manifest = Manifest(
        name=raw.text("name"),
        source=raw.text("source"),
        license=raw.text("license"),
        license_note=raw.text("license_note"),
        roles=roles,
        n_params=raw.count("n_params"),
        n_ctx_train=raw.count("n_ctx_train"),
        files=tuple(map(_file, raw.tables("files"))),
        fim_orders=orders or (FimOrder.PSM,),
        fim_texts=_fim_texts(fim),
        file_form=fim.text("file_form"),
        chat_format=chat.text("format"),
        kv=_kv(raw.table("kv")),
        sha256=raw.digest("sha256"),
        held_out=_held_out(raw.table("training")) if "training" in raw else None,
    )
    for key in ("file", "card"):  # for people; nothing here asks for them
        raw.text(key)
    for table in (fim, chat, raw):
        table.check_all_known()
    return manifest


def _file(raw: Table) -> ModelFile:
    texts = {key: raw.text(key) for key in ("quantization", "repository", "file")}
    if not all(texts.values()):
        raise ValueError("each of files must have: quantization, repository, file")
    file = ModelFile(**texts, size_bytes=raw.count("size_bytes"), sha256=raw.digest("sha256"))
    raw.check_all_known()
    return file


def _fim_texts(raw: Table) -> FimTexts | None:
    prefix, suffix, middle = (raw.text(key) for key in ("prefix", "suffix", "middle"))
    if not (prefix or suffix or middle):
        return None
    if not (prefix and suffix):
        raise ValueError("fim.prefix and fim.suffix must be given together")
    return FimTexts(prefix, suffix, middle)


def _kv(raw: Table) -> KvShape | None:
    n_layers, n_kv_heads, key_size = (raw.count(key) for key in ("n_layers", "n_kv_heads", "key_size"))
    value_size = raw.count("value_size") or key_size
    raw.check_all_known()
    if not (n_layers or n_kv_heads or value_size):
        return None
    if not (n_layers and n_kv_heads and key_size):
        raise ValueError("kv must have: n_layers, n_kv_heads, key_size")
    return KvShape(n_layers, n_kv_heads, key_size, value_size)


def _held_out(raw: Table) -> HeldOut:
    modulus = raw.count("held_out_modulus")
    if not modulus:
        raise ValueError("training.held_out_modulus must be a whole number from 1 up")
    held_out = HeldOut(modulus, raw.numbers("held_out_remainders", modulus))
    raw.check_all_known()
    return held_out
