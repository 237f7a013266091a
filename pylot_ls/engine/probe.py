"""A look into a model file that nobody vouches for: a process of its own, with limits, reads what the file says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pylot_ls
from pylot_ls import errors
from pylot_ls.engine.manifest import Role, manifest_for
from pylot_ls.errors import ModelUnreadableError, ModelUnsupportedError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 60.0
# From a slow disk.
_BYTES_A_SECOND = 20 * 2**20


@dataclass(frozen=True, slots=True)
class Probed:
    """What a file says of itself.

    Attributes:
        metadata: all of it as text; long values are cut.
        has_fim: whether its fill-in-the-middle tokens are known without a manifest.
        generates: whether it produces text, rather than encode or embed it.
        chats: whether it has a template for conversations that llama.cpp knows.
    """

    metadata: Mapping[str, str]
    n_params: int
    size_bytes: int
    n_vocab: int
    has_fim: bool
    generates: bool
    chats: bool = False

    @property
    def architecture(self) -> str:
        """As llama.cpp names it."""
        return self.metadata.get("general.architecture", "unknown")

    @property
    def n_ctx_train(self) -> int:
        """Tokens of context that it was trained on; 0 where it does not say."""
        text = self.metadata.get(f"{self.architecture}.context_length", "")
        return int(text) if text.isascii() and text.isdigit() else 0


def check_suits(path: Path, role: Role, folders: tuple[Path, ...]) -> Probed:
    """See whether a file can do what a role asks; what it says of itself.

    Args:
        path: the file.
        role: what it is to be for.
        folders: where manifests lie, after its own.

    Raises:
        ModelError: it is no model, or cannot.
    """
    probed, manifest = probe(path), manifest_for(path, folders)
    if probed.generates is (role is Role.EMBED):
        if probed.generates:
            raise ModelUnsupportedError(
                Message("{path} produces text and no vectors; choose another model to embed with", path=path)
            )
        raise ModelUnsupportedError(
            Message(
                "{path} encodes or embeds text and produces none; choose another model to {role} with",
                path=path,
                role=role,
            )
        )
    if role is Role.COMPLETE and not probed.has_fim and manifest.fim_texts is None:
        raise ModelUnsupportedError(
            Message(
                "{path} names no fill-in-the-middle tokens, so it cannot complete at a cursor; choose a code "
                "model that "
                "has them, or name them in a manifest beside it",
                path=path,
            )
        )
    if role is Role.CHAT and not (probed.chats or manifest.chat_format):
        raise ModelUnsupportedError(
            Message(
                "{path} has no chat template that llama.cpp knows; choose an instruct model, or name its format in a "
                "manifest beside it ([chat] format)",
                path=path,
            )
        )
    return probed


def probe(path: Path) -> Probed:
    """Read a file's metadata in a child process.

    Raises:
        ModelError: it is no model, or reading it crashed or never ended.
    """
    return Probed(**_ask_child(path, _TIMEOUT_S))


def try_out(path: Path) -> None:
    """Load a file in a child process as it is about to be loaded here, and evaluate a token.

    Its metadata alone do not tell whether it ends the process: what they say of its layers is looked at when those are
    made. With a file of n GiB this takes as long as to read them, once.

    Raises:
        ModelError: it is no model, or loading it crashed or never ended.
    """
    size_bytes = path.stat().st_size if path.is_file() else 0
    _ask_child(path, _TIMEOUT_S + size_bytes / _BYTES_A_SECOND, "--whole")


def _ask_child(path: Path, timeout_s: float, *options: str) -> dict[str, Any]:
    command = (sys.executable, "-m", "pylot_ls.engine.probe_child", str(path.absolute()), *options)
    # From where this very installation lies, also where it is not on the path.
    root = str(Path(pylot_ls.__file__).resolve().parent.parent)
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    # A driver for GPUs takes more of the address space than the limit allows.
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1"}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, **hidden, "PYTHONPATH": search},
        )
    except subprocess.TimeoutExpired as error:
        raise ModelUnreadableError(f"reading {path} did not end within {timeout_s:.0f} s; do not use it") from error
    except ValueError as error:  # a null byte in the path
        raise ModelUnreadableError(f"cannot read the model {path}: {error}") from error
    if done.returncode != 0:
        raise ModelUnreadableError(
            f"{path} makes llama.cpp end its process (exit code {done.returncode}): it is damaged, or made to do harm; "
            "fetch it again from a source that you trust",
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        raise getattr(errors, answer["kind"])(answer["error"])
    return answer
