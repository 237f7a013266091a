"""Which llama.cpp is installed, for people who ask."""

from __future__ import annotations

from dataclasses import dataclass

from pylot_ls.errors import EngineError


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """A build of llama.cpp.

    Attributes:
        version: of llama-cpp-python.
        features: what it uses of the processor, such as "AVX2".
        gpu: whether it can put layers on a GPU.
    """

    version: str
    features: tuple[str, ...]
    gpu: bool


def build_info() -> BuildInfo:
    """Load the native libraries and ask them.

    Raises:
        EngineError: they cannot be loaded.
    """
    try:
        # Imported here: loading the libraries takes a while, and can fail where they were built for another machine.
        import llama_cpp  # noqa: PLC0415

        from pylot_ls.engine import llama_cpp_binding  # noqa: PLC0415
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineError(f"llama.cpp cannot be loaded ({error}); install llama-cpp-python again") from error
    return BuildInfo(
        version=llama_cpp.__version__,
        features=_features(llama_cpp_binding.system_info()),
        gpu=llama_cpp_binding.supports_gpu_offload(),
    )


def _features(system_info: str) -> tuple[str, ...]:
    """``CPU : SSE3 = 1 | AVX2 = 1 | ...`` to the names that are 1."""
    fields = system_info.replace("CPU :", "|").split("|")
    pairs = (field.split("=") for field in fields if field.count("=") == 1)
    return tuple(name.strip() for name, value in pairs if value.strip() == "1")
