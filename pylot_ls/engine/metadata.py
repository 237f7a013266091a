"""What the metadata of a GGUF file say of a model, through a function that gives each value as text. Pure."""

from __future__ import annotations

from collections.abc import Callable

Metadata = Callable[[str], str | None]

# llama.cpp's way to say that the vectors of a text's tokens are not pooled into one.
_NOT_POOLED = "0"


def embeds(metadata: Metadata) -> bool:
    """Whether a model is made to turn texts into vectors, not to continue them."""
    architecture = metadata("general.architecture")
    return metadata(f"{architecture}.attention.causal") == "false" or pools(metadata)


def pools(metadata: Metadata) -> bool:
    """Whether it says how the vectors of a text's tokens become one."""
    return metadata(f"{metadata('general.architecture')}.pooling_type") not in {None, _NOT_POOLED}
