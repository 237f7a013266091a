"""Probabilities of tokens as OpenAI and llama-server show them. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylot_ls.engine.types import Alternative, Token

    Json = dict[str, Any]

# JSON has no infinity.
_LEAST = -3.4e38


def shown(tokens: Iterable[Token]) -> list[Json]:
    """Each token with its probability, and what could have stood in its place."""
    return [
        {
            **_one(token.token_id, token.piece, token.logprob),
            "top_logprobs": list(map(_alternative, token.alternatives)),
        }
        for token in tokens
    ]


def legacy(tokens: Iterable[Token], offset: int) -> Json:
    """The same in the form of OpenAI's completions.

    ``offset``: of the first token's text, in characters.
    """
    found: Json = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for token in tokens:
        text = text_of(token.piece)
        found["tokens"].append(text)
        found["token_logprobs"].append(_finite(token.logprob))
        found["top_logprobs"].append({text_of(each.piece): _finite(each.logprob) for each in token.alternatives})
        found["text_offset"].append(offset)
        offset += len(text)
    return found


def _alternative(alternative: Alternative) -> Json:
    return _one(alternative.token_id, alternative.piece, alternative.logprob)


def _one(token_id: int, piece: bytes, logprob: float) -> Json:
    return {"id": token_id, "token": text_of(piece), "bytes": list(piece), "logprob": _finite(logprob)}


def text_of(piece: bytes) -> str:
    """A token's bytes as text; one that has half a character shows that."""
    return piece.decode("utf-8", "replace")


def _finite(logprob: float) -> float:
    # Rounding can put a certain token's just above 0.
    return min(0.0, logprob) if math.isfinite(logprob) else _LEAST
