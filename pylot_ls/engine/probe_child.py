"""Run as a process of its own: load what a GGUF file says of itself, under limits, and write it as JSON to stdout.

With ``--whole`` the file is loaded as a server would, and a token evaluated with it; nothing is said then. A damaged or
hostile file can end the process that reads it, or make it take all memory; then it is this one.
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
# Of weights, in one evaluation, on a slow machine.
_BYTES_IN_CPU_S = 50 * 2**20
_N_CTX = 64
# Vocabularies and templates are of no use to who asks; a value that is longer is cut.
_MOST_CHARACTERS = 400


def main(path: Path, *, whole: bool = False) -> None:
    """Write the answer: metadata and figures, or ``error``."""
    try:
        check_model_file(path)
        _limit(path.stat().st_size if whole else 0)
        answer = _try_out(path) if whole else _read(path)
    except ModelError as error:
        answer = {"error": str(error), "kind": type(error).__name__}
    sys.stdout.write(json.dumps(answer))


def _limit(mapped_bytes: int = 0) -> None:
    n_bytes, cpu_s = _MEMORY_BYTES + 2 * mapped_bytes, _CPU_S + mapped_bytes // _BYTES_IN_CPU_S
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limits
        import resource  # noqa: PLC0415 - see above

        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
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


def _try_out(path: Path) -> dict[str, object]:
    """Load all of it, and evaluate a token; what a damaged file does to a process, it does there."""
    import llama_cpp.llama_cpp as lib  # noqa: PLC0415 - see _read

    import pylot_ls.engine.llama_cpp_binding  # noqa: F401, PLC0415 - the same

    params = lib.llama_model_default_params()
    params.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(os.fsencode(path), params)
    shape = lib.llama_context_default_params()
    shape.n_ctx = shape.n_batch = shape.n_ubatch = _N_CTX
    shape.n_threads = shape.n_threads_batch = 1
    context = model and lib.llama_init_from_model(model, shape)
    if not context:
        raise ModelUnreadableError(f"llama.cpp cannot read {path}: damaged, or of a kind it does not know")
    tokens = (lib.llama_token * 1)(0)
    evaluate = lib.llama_decode if lib.llama_model_has_decoder(model) else lib.llama_encode
    if evaluate(context, lib.llama_batch_get_one(tokens, 1)) != 0:
        raise ModelUnreadableError(f"llama.cpp cannot evaluate anything with {path}: it is damaged")
    return {}


def _metadata(lib: Any, model: Any) -> dict[str, str]:
    def text(call: Any, index: int) -> str:
        buffer = ctypes.create_string_buffer(_MOST_CHARACTERS)
        call(model, index, buffer, _MOST_CHARACTERS)
        return buffer.value.decode("utf-8", errors="replace")

    keys, values = lib.llama_model_meta_key_by_index, lib.llama_model_meta_val_str_by_index
    return {text(keys, index): text(values, index) for index in range(int(lib.llama_model_meta_count(model)))}


if __name__ == "__main__":
    main(Path(sys.argv[1]), whole="--whole" in sys.argv[2:])
