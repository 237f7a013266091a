"""Fill-in-the-middle tokens by their texts, for a model whose metadata does not name them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.engine.types import FimTokens
from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.manifest import FimTexts


def fim_tokens_of(texts: FimTexts, token_of: Callable[[str], int | None]) -> FimTokens:
    """The ids of the tokens that a manifest names.

    Args:
        texts: the manifest's.
        token_of: the id of the one token that is spelt so, if there is one.

    Raises:
        ModelUnsupportedError: the vocabulary lacks some.
    """
    found = {text: token_of(text) for text in (texts.prefix, texts.suffix, texts.middle) if text}
    missing = [text for text, token in found.items() if token is None]
    prefix, suffix = found[texts.prefix], found[texts.suffix]
    if missing or prefix is None or suffix is None:
        raise ModelUnsupportedError(
            Message(
                "the model's manifest names the fill-in-the-middle tokens {named}, but its vocabulary has no "
                "{missing}: "
                "the file was made from another model, or by an old converter; fetch another one",
                named=", ".join(found),
                missing=", ".join(missing),
            )
        )
    return FimTokens(prefix, suffix, found[texts.middle] if texts.middle else None)
