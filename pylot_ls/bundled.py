"""Where the bundled model, the manifests and the editors' files lie."""

from __future__ import annotations

from pathlib import Path

from pylot_ls.errors import ModelNotFoundError
from pylot_ls.language import Message

MODEL_FILE_NAME = "pylot-tiny.gguf"

_PACKAGE = Path(__file__).resolve().parent


def models_dir() -> Path:
    """Return the folder of the bundled model and the manifests; it need not exist.

    A wheel carries it inside the package; in a checkout it stands beside the package.
    """
    installed = _PACKAGE / "_models"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def editors_dir() -> Path:
    """Return the folder of what connects each editor; it need not exist."""
    installed = _PACKAGE / "_editors"
    return installed if installed.is_dir() else _PACKAGE.parent / "editors"


def bundled_model_path() -> Path:
    """Return the path of the model that comes with pylot-ls.

    Raises:
        ModelNotFoundError: the file is not there.
    """
    path = models_dir() / MODEL_FILE_NAME
    if not path.is_file():
        raise ModelNotFoundError(
            Message(
                "The bundled model {file} is missing from {folder}: the installation is incomplete. Reinstall "
                "pylot-ls, or "
                "set model.path to a GGUF file of your own.",
                file=MODEL_FILE_NAME,
                folder=path.parent,
            )
        )
    return path


def sample_path() -> Path:
    """Return the path of the source file that the demo and the benchmarks type in when none is named."""
    return _PACKAGE / "samples" / "inventory.py"
