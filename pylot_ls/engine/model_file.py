"""A first look at a model file, before llama.cpp is let near it."""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING

from pylot_ls.errors import ModelNotFoundError, ModelUnreadableError

if TYPE_CHECKING:
    from pathlib import Path

# GGUF: 4 bytes of magic, then version, number of tensors and number of metadata entries, little-endian
# (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
_MAGIC = b"GGUF"
_HEADER = struct.Struct("<4sIQQ")
_VERSIONS = (2, 3)
_CHOOSE = "set model.path to a GGUF file that can be read"


def check_model_file(path: Path) -> None:
    """Refuse what is certainly no model, with the reason.

    Raises:
        ModelNotFoundError: there is no file.
        ModelUnreadableError: a folder, a pipe, no permission, no GGUF, or shorter than a header.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ModelNotFoundError(f"no model at {path}: set model.path to a GGUF file") from None
    except (OSError, ValueError) as error:
        raise ModelUnreadableError(f"cannot read the model {path}: {_reason(error)}; {_CHOOSE}") from error
    if stat.S_ISDIR(mode):
        raise ModelUnreadableError(f"{path} is a folder; set model.path to the GGUF file itself")
    if not stat.S_ISREG(mode):
        raise ModelUnreadableError(f"{path} is no regular file; set model.path to a GGUF file")
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError as error:
        raise ModelUnreadableError(f"cannot read the model {path}: {_reason(error)}; {_CHOOSE}") from error
    _check_header(path, header)


def _check_header(path: Path, header: bytes) -> None:
    if not header.startswith(_MAGIC):
        raise ModelUnreadableError(f"{path} is not a GGUF file (it does not begin with the letters GGUF); {_CHOOSE}")
    if len(header) < _HEADER.size:
        raise ModelUnreadableError(f"{path} is cut short: it ends inside its header; fetch it again")
    _, version, _, _ = _HEADER.unpack(header)
    if version not in _VERSIONS:
        known = " or ".join(str(number) for number in _VERSIONS)
        raise ModelUnreadableError(f"{path} is GGUF version {version}; fetch it in version {known}")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
