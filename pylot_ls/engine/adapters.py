"""LoRA adapters: small files that change what a model of the same shape has learnt (Hu et al. 2021, "LoRA").

Everything that llama.cpp would refuse is refused here first, with a reason, and what it would end the process for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.gguf_header import read_header
from pylot_ls.errors import ModelUnreadableError, ModelUnsupportedError
from pylot_ls.language import Message, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from pylot_ls.engine.gguf_header import GgufHeader

# The number of single precision among the kinds of values in a file.
_FLOAT = 6
_MATRICES = (".lora_a", ".lora_b")
_ON_CALL = "adapter.alora.invocation_tokens"
_EMBEDDINGS = "token_embd.weight"


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter and how much of it counts; 1.0 is as it was trained."""

    path: Path
    scale: float = 1.0


def check_adapter(adapter: Adapter, model: GgufHeader) -> int:
    """See whether an adapter is one for a model; the bytes of its weights.

    Raises:
        ModelError: the file is missing, damaged, no adapter, or one for another model.
    """
    path = adapter.path
    try:
        header = read_header(path)
    except ModelUnreadableError as error:
        raise ModelUnreadableError(Message("the adapter cannot be used: {reason}", reason=text_of(error))) from error
    kind, way = header.metadata.get("general.type", "model"), header.metadata.get("adapter.type", "none")
    if kind != "adapter" or way != "lora":
        raise ModelUnsupportedError(
            Message(
                "{path} is no LoRA adapter (general.type {kind}, adapter.type {way}); take it out of the adapters",
                path=path,
                kind=kind,
                way=way,
            )
        )
    if _ON_CALL in header.kinds:
        raise ModelUnsupportedError(
            Message("the adapter {path} counts only behind certain tokens (aLoRA); take a plain LoRA", path=path)
        )
    _check_architecture(path, header, model)
    if header.kinds.get("adapter.lora.alpha", _FLOAT) != _FLOAT:
        raise ModelUnreadableError(
            Message("the adapter {path} is damaged: adapter.lora.alpha is no number; make it again", path=path)
        )
    _check_tensors(path, header, model)
    return header.n_bytes


def _check_architecture(path: Path, header: GgufHeader, model: GgufHeader) -> None:
    ours, theirs = (each.metadata.get("general.architecture", "unknown") for each in (header, model))
    if ours != theirs:
        raise ModelUnsupportedError(
            Message(
                "the adapter {path} is for a {architecture} model, and this one is {other}; take the adapter "
                "of this model",
                path=path,
                architecture=ours,
                other=theirs,
            )
        )


def _check_tensors(path: Path, header: GgufHeader, model: GgufHeader) -> None:
    """See that each pair of matrices has the shape of a matrix of the model."""
    pairs: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, info in header.tensors.items():
        suffix = next((each for each in _MATRICES if name.endswith(each)), None)
        if suffix is not None:
            pairs.setdefault(name.removesuffix(suffix), {})[suffix] = info.shape
        elif not name.endswith("_norm.weight"):
            raise ModelUnsupportedError(
                Message("the adapter {path} has a tensor {name} that llama.cpp cannot apply", path=path, name=name)
            )
    for name, pair in pairs.items():
        fits = len(pair) == len(_MATRICES) and name in model.tensors
        if not fits or not _multiplies(name, pair, model.tensors[name].shape):
            raise ModelUnsupportedError(
                Message(
                    "the adapter {path} was made for another model: its {name} does not fit; take the adapter "
                    "of this one",
                    path=path,
                    name=name,
                )
            )


def _multiplies(name: str, pair: dict[str, tuple[int, ...]], shape: tuple[int, ...]) -> bool:
    first, second = (pair[suffix] for suffix in _MATRICES)
    if any(len(each) < 2 for each in (first, second, shape)):  # noqa: PLR2004 - a matrix has two dimensions
        return False
    if name == _EMBEDDINGS:  # there they are applied the other way round
        return shape[0] == second[1] and shape[1] == first[1]
    return shape[0] == first[0] and shape[1] == second[1] and first[1] == second[0]
