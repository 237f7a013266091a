"""Run as a process of its own: load what a GGUF file says of itself, under limits, and write it as JSON to stdout.

A damaged or hostile file can end the process that reads it, or make it take all memory; then it is this one.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

from pylot_ls.engine.metadata import embeds
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.errors import ModelError, ModelUnreadableError

_MEMORY_BYTES = 8 * 2**30
_CPU_S = 60
# Vocabularies and templates are of no use to who asks; a value that is longer is cut.
_MOST_CHARACTERS = 400


def main(path: Path) -> None:
    """Write the answer: metadata and figures, or ``error``."""
    _limit()
    try:
        check_model_file(path)
        answer = _read(path)
    except ModelError as error:
        answer = {"error": str(error), "kind": type(error).__name__}
    sys.stdout.write(json.dumps(answer))


def _limit() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limits
        import resource  # noqa: PLC0415 - see above

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(path: Path) -> dict[str, object]:
    # Imported after the limits were set; the binding settles where llama.cpp's log goes.
    import llama_cpp.llama_cpp as lib  # noqa: PLC0415

    from pylot_ls.engine.llama_cpp_binding import knows_template  # noqa: PLC0415

    params = lib.llama_model_default_params()
    params.vocab_only = True
    model = lib.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise ModelUnreadableError(f"llama.cpp cannot read {path}: damaged, or of a kind it does not know")
    vocab = lib.llama_model_get_vocab(model)
    metadata = _metadata(lib, model)
    fim = [int(ask(vocab)) for ask in (lib.llama_vocab_fim_pre, lib.llama_vocab_fim_suf, lib.llama_vocab_fim_mid)]
    return {
        "metadata": metadata,
        "n_params": int(lib.llama_model_n_params(model)),
        "size_bytes": int(lib.llama_model_size(model)),
        "n_vocab": int(lib.llama_vocab_n_tokens(vocab)),
        "has_fim": min(fim) >= 0,
        "generates": bool(lib.llama_model_has_decoder(model)) and not embeds(metadata.get),
        "chats": knows_template(lib.llama_model_chat_template(model, None)),
    }


def _metadata(lib: Any, model: Any) -> dict[str, str]:
    def text(call: Any, index: int) -> str:
        buffer = ctypes.create_string_buffer(_MOST_CHARACTERS)
        call(model, index, buffer, _MOST_CHARACTERS)
        return buffer.value.decode("utf-8", errors="replace")

    keys, values = lib.llama_model_meta_key_by_index, lib.llama_model_meta_val_str_by_index
    return {text(keys, index): text(values, index) for index in range(int(lib.llama_model_meta_count(model)))}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
