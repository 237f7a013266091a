"""What a request may ask for, by numbers. Pure; what it says is looked at by those who take it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pylot_ls.errors import RequestError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from pylot_ls.engine.types import GenerateRequest, ModelInfo, Sampling

_SEEDS = 2**32
# Beyond that sums of logits could overflow.
_LARGEST = 1e9


def check_request(request: GenerateRequest, n_prompt: int, info: ModelInfo) -> None:
    """See that a request can be served.

    Args:
        request: it.
        n_prompt: how many tokens its prompt has.
        info: of the model.

    Raises:
        RequestError: it cannot.
    """
    if n_prompt == 0:
        raise RequestError("the prompt is empty")
    if request.max_tokens < 0:
        raise RequestError(f"{request.max_tokens} tokens were asked for; ask for none or more")
    if n_prompt + request.max_tokens > info.n_ctx:
        raise RequestError(
            Message(
                "the prompt has {n_prompt} tokens and {n_decoded} are to be decoded, but the context holds {n_ctx}; "
                "shorten the prompt or raise model.n_ctx",
                n_prompt=n_prompt,
                n_decoded=request.max_tokens,
                n_ctx=info.n_ctx,
            )
        )
    check_options(request, info.n_vocab)


def check_options(request: GenerateRequest, n_vocab: int) -> None:
    """See that what a request asks for, beside its length, can be.

    Raises:
        RequestError: it cannot.
    """
    if request.n_alternatives < 0:
        raise RequestError(f"{request.n_alternatives} alternatives were asked for; ask for none or more")
    if request.sampling is not None:
        check_sampling(request.sampling, n_vocab)


def check_sampling(sampling: Sampling, n_vocab: int) -> None:
    """See that tokens can be drawn so.

    Raises:
        RequestError: they cannot.
    """
    for name, least, most in (
        ("temperature", 0.0, math.inf),
        ("top_k", 0, math.inf),
        ("top_p", 0.0, 1.0),
        ("min_p", 0.0, 1.0),
        ("repeat_last_n", -1, math.inf),
        ("repeat_penalty", 1 / _LARGEST, _LARGEST),
        ("frequency_penalty", -_LARGEST, _LARGEST),
        ("presence_penalty", -_LARGEST, _LARGEST),
    ):
        value = getattr(sampling, name)
        if not (math.isfinite(value) and least <= value <= most):
            limits = f"from {least} to {most}" if math.isfinite(most) else f"{least} or more, and finite"
            raise RequestError(f"{name} is {value}; it has to be {limits}")
    if sampling.seed is not None and not 0 <= sampling.seed < _SEEDS:
        raise RequestError(f"seed is {sampling.seed}; it has to be from 0 to {_SEEDS - 1}")
    for token, bias in sampling.logit_bias:
        if not 0 <= token < n_vocab:
            raise RequestError(f"logit_bias names the token {token}; those of the model are 0 to {n_vocab - 1}")
        if bias != -math.inf and not -_LARGEST <= bias <= _LARGEST:
            raise RequestError(
                f"logit_bias adds {bias} to the token {token}; it has to be from {-_LARGEST} to {_LARGEST}, or -inf"
            )
