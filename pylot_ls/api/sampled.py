"""How probable tokens were when they were drawn, after what sampling leaves of the model's own probabilities. Pure.

The engine tells the most probable tokens with the model's own probabilities. Where only some of them count (top_k),
those are all that is needed.
"""

from __future__ import annotations

import math
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Any

from pylot_ls.api.errors import ApiError
from pylot_ls.api.logprobs import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylot_ls.engine.types import Alternative, Sampling, Token

    Json = dict[str, Any]

# The engine is asked for so many alternatives at each token.
_MOST_COUNTED = 1000


def n_counted(sampling: Sampling, n_shown: int) -> int:
    """How many alternatives have to be known of each token.

    Raises:
        ApiError: they do not tell what the draw was among.
    """
    changes = (sampling.logit_bias, sampling.frequency_penalty, sampling.presence_penalty, sampling.repeat_penalty != 1)
    if any(changes) or (sampling.temperature and not 1 <= sampling.top_k <= _MOST_COUNTED):
        raise ApiError(
            f"post_sampling_probs needs a top_k from 1 to {_MOST_COUNTED}, and no penalties or biases",
            param="post_sampling_probs",
        )
    return max(n_shown, sampling.top_k)


def probabilities(logprobs: Sequence[float], sampling: Sampling) -> list[float]:
    """Of each token that may be drawn, in the order given; the others are left out.

    Args:
        logprobs: the model's own, the most probable first.
        sampling: how it is drawn; llama.cpp's order: top_k, top_p, min_p, temperature.
    """
    if sampling.temperature == 0:
        return [1.0]
    left = list(logprobs[: sampling.top_k])
    weights = [math.exp(each - left[0]) for each in left]
    bound = sampling.top_p * sum(weights)
    n_left = 1 + sum(1 for _ in takewhile(lambda total: total < bound, accumulate(weights[:-1])))
    left = [each for each in left[:n_left] if math.exp(each - left[0]) >= sampling.min_p]
    drawn = [math.exp((each - left[0]) / sampling.temperature) for each in left]
    return [weight / sum(drawn) for weight in drawn]


def shown_as_drawn(tokens: Iterable[Token], sampling: Sampling, n_shown: int) -> list[Json]:
    """Each token with the probability it was drawn with, and the most probable ones in its place with theirs."""
    found = []
    for token in tokens:
        chances = probabilities([each.logprob for each in token.alternatives], sampling)
        drawn = list(zip(token.alternatives, chances, strict=False))
        own = next((chance for each, chance in drawn if each.token_id == token.token_id), 0.0)
        top = [_one(each, chance) for each, chance in drawn[:n_shown] if chance > 0]
        found.append(
            {
                "id": token.token_id,
                "token": text_of(token.piece),
                "bytes": list(token.piece),
                "prob": own,
                "top_probs": top,
            }
        )
    return found


def _one(alternative: Alternative, chance: float) -> Json:
    piece = alternative.piece
    return {"id": alternative.token_id, "token": text_of(piece), "bytes": list(piece), "prob": chance}
