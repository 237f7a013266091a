"""The GPUs that this build of llama.cpp can use, and how much of their memory is free.

Imported where llama.cpp is loaded anyway: importing llama_cpp loads the native libraries.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import llama_cpp.llama_cpp as lib
from llama_cpp import _ctypes_extensions as extensions
from llama_cpp._ggml import libggml, libggml_base_path

from pylot_ls.engine.memory_plan import Device

# Kinds of devices (ggml-backend.h).
_GPU, _INTEGRATED_GPU = 1, 2
_SIZE = ctypes.POINTER(ctypes.c_size_t)


def devices() -> tuple[Device, ...]:
    """All of them; none where llama.cpp was built for the processor alone."""
    if not lib.llama_supports_gpu_offload():
        return ()
    try:
        count = _function("ggml_backend_dev_count", [], ctypes.c_size_t)
        get = _function("ggml_backend_dev_get", [ctypes.c_size_t], ctypes.c_void_p)
        return tuple(found for found in map(_device, map(get, range(count()))) if found)
    except (AttributeError, OSError):
        # A build that does not export them: as if its memory had no end.
        return (Device("GPU", sys.maxsize),)


def _device(device: int) -> Device | None:
    kind = _function("ggml_backend_dev_type", [ctypes.c_void_p], ctypes.c_int)(device)
    if kind not in {_GPU, _INTEGRATED_GPU}:
        return None
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ask = _function("ggml_backend_dev_memory", [ctypes.c_void_p, _SIZE, _SIZE], None)
    ask(device, ctypes.byref(free), ctypes.byref(total))
    name = _function("ggml_backend_dev_name", [ctypes.c_void_p], ctypes.c_char_p)(device)
    # Of Apple's processors llama.cpp says that the GPU is one of its own; its memory is the machine's all the same.
    is_shared = kind == _INTEGRATED_GPU or sys.platform == "darwin"
    return Device(name.decode("utf-8", errors="replace"), free.value or total.value, is_shared)


def _function(name: str, arguments: list[Any], result: Any) -> Any:
    """A function of ggml, with its types; on Windows each library exports its own alone."""
    library = libggml
    if not hasattr(library, name):
        library = extensions.load_shared_library("ggml-base", libggml_base_path)
    function = getattr(library, name)
    function.argtypes, function.restype = arguments, result
    return function
