"""A first look at a model file, before llama.cpp is let near it."""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING

from pylot_ls.errors import ModelNotFoundError, ModelUnreadableError
from pylot_ls.language import Message, one_of

if TYPE_CHECKING:
    from pathlib import Path

# GGUF: 4 bytes of magic, then version, number of tensors and number of metadata entries, little-endian
# (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
_MAGIC = b"GGUF"
_HEADER = struct.Struct("<4sIQQ")
_VERSIONS = (2, 3)
_CHOOSE = Message("set model.path to a GGUF file that can be read")


def check_model_file(path: Path) -> None:
    """Refuse what is certainly no model, with the reason.

    Raises:
        ModelNotFoundError: there is no file.
        ModelUnreadableError: a folder, a pipe, no permission, no GGUF, or shorter than a header.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ModelNotFoundError(Message("no model at {path}: set model.path to a GGUF file", path=path)) from None
    except (OSError, ValueError) as error:
        raise ModelUnreadableError(
            Message(
                "cannot read the model {path}: {reason}; {advice}", path=path, reason=_reason(error), advice=_CHOOSE
            )
        ) from error
    if stat.S_ISDIR(mode):
        raise ModelUnreadableError(Message("{path} is a folder; set model.path to the GGUF file itself", path=path))
    if not stat.S_ISREG(mode):
        raise ModelUnreadableError(Message("{path} is no regular file; set model.path to a GGUF file", path=path))
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError as error:
        raise ModelUnreadableError(
            Message(
                "cannot read the model {path}: {reason}; {advice}", path=path, reason=_reason(error), advice=_CHOOSE
            )
        ) from error
    _check_header(path, header)


def _check_header(path: Path, header: bytes) -> None:
    if not header.startswith(_MAGIC):
        raise ModelUnreadableError(
            Message(
                "{path} is not a GGUF file (it does not begin with the letters GGUF); {advice}",
                path=path,
                advice=_CHOOSE,
            )
        )
    if len(header) < _HEADER.size:
        raise ModelUnreadableError(Message("{path} is cut short: it ends inside its header; fetch it again", path=path))
    _, version, _, _ = _HEADER.unpack(header)
    if version not in _VERSIONS:
        known = one_of([*map(str, _VERSIONS)])
        raise ModelUnreadableError(
            Message(
                "{path} is GGUF version {version}; fetch it in version {known}", path=path, version=version, known=known
            )
        )


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
