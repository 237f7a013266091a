"""From what a request says of drawing tokens to what the engine is asked. Pure, but for tokenising biases."""

from __future__ import annotations

import math
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pylot_ls.api.errors import ApiError, not_supported
from pylot_ls.api.generation import Wish
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Sampling
from pylot_ls.prompts.json_schema import schema_grammar

if TYPE_CHECKING:
    from pylot_ls.api.models import Model
    from pylot_ls.api.options import ApiOptions
    from pylot_ls.api.schemas import Drawing
    from pylot_ls.api.users import User
    from pylot_ls.engine.prompt_types import Prompt

_SEEDS = 2**32
_SALT_BYTES = 8
# What llama-server sends and takes for a seed that is drawn.
ANY_SEED = _SEEDS - 1
# What changes nothing of the ways of drawing that there are not here.
_NEUTRAL: dict[str, float] = {
    "typical_p": 1,
    "dynatemp_range": 0,
    "xtc_probability": 0,
    "dry_multiplier": 0,
    "mirostat": 0,
}


async def wish_of(
    body: Drawing,
    prompt: Prompt,
    model: Model,
    user: User,
    options: ApiOptions,
    *,
    n_alternatives: int = 0,
    grammar: str | None = None,
) -> Wish:
    """What a request asks for, of one prompt.

    Args:
        body: the request.
        prompt: one of its prompts.
        model: that answers.
        user: that asks.
        options: what counts where the request does not say.
        n_alternatives: most probable tokens to be told of for each one.
        grammar: that the answer has to follow; None for the request's own.

    Raises:
        ApiError: it asks for what there is not.
    """
    refuse_unknown(body)
    wanted = body.max_tokens if body.max_tokens is not None else body.n_predict
    if wanted is None:
        wanted = options.max_tokens
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    if options.shifts_context and body.n_keep < 0:
        raise ApiError("n_keep is 0 or more here", param="n_keep")
    return Wish(
        prompt=prompt,
        max_tokens=None if wanted is None or wanted < 0 else wanted,
        stop=tuple(word for word in stop if word),
        sampling=await sampling_of(body, model, options),
        grammar=grammar if grammar is not None else grammar_of(body),
        n_alternatives=n_alternatives,
        # Where nothing of it is to be used again, nobody else has that salt.
        salt=user.salt if body.cache_prompt else f"{user.salt}/{secrets.token_hex(_SALT_BYTES)}",
        keep=body.cache_prompt,
        n_indent=body.n_indent,
        t_max_predict_ms=body.t_max_predict_ms,
        shifts=body.n_keep if options.shifts_context else None,
    )


def grammar_of(body: Drawing) -> str:
    """The grammar that a request gives, as it is or as a JSON schema; "" where it gives none.

    Raises:
        ApiError: it gives both.
        RequestError: it is no schema.
    """
    if body.json_schema is not None:
        if body.grammar:
            raise ApiError("give a grammar or a json_schema, not both", param="grammar")
        return schema_grammar(body.json_schema)
    return body.grammar or ""


def refuse_unknown(body: Drawing) -> None:
    """See that nothing is asked for that would be left out.

    Raises:
        ApiError: something is.
    """
    for name, neutral in _NEUTRAL.items():
        value = getattr(body, name)
        if value is not None and value != neutral:
            raise ApiError(f"{name} is not supported here; leave it out, or at {neutral}", param=name)
    if body.top_n_sigma is not None and body.top_n_sigma > 0:
        raise ApiError("top_n_sigma is not supported here; leave it out, or at -1", param="top_n_sigma")
    if body.lora:
        raise not_supported("adapters are chosen in the settings (model.adapters), for all requests")


async def sampling_of(body: Drawing, model: Model, options: ApiOptions) -> Sampling:
    """How tokens are drawn.

    Raises:
        ApiError: a bias is of something that the model does not know.
    """
    usual = options.sampling
    names = ("top_p", "min_p", "repeat_penalty", "frequency_penalty", "presence_penalty", "repeat_last_n")
    said = {name: value for name in names if (value := getattr(body, name)) is not None}
    temperature = usual.temperature if body.temperature is None else max(0.0, body.temperature)
    return replace(
        usual,
        **said,
        temperature=temperature,
        top_k=usual.top_k if body.top_k is None else max(0, body.top_k),
        seed=_seed(usual.seed if body.seed is None else body.seed),
        logit_bias=await _biases(body.logit_bias, model) if body.logit_bias else (),
        ignore_eos=body.ignore_eos,
    )


def with_seed_of_choice(wish: Wish, number: int) -> Wish:
    """The wish of a further choice of one request: another seed, and where none was given, another draw."""
    sampling = wish.sampling
    if number == 0 or sampling.seed is None:
        return wish
    return replace(wish, sampling=replace(sampling, seed=(sampling.seed + number) % _SEEDS))


def _seed(seed: int | None) -> int | None:
    if seed is None or seed in {-1, ANY_SEED}:
        return None
    return seed % _SEEDS


async def _biases(raw: Any, model: Model) -> tuple[tuple[int, float], ...]:
    """By token. A text's is that of all its tokens, false bans."""
    found: dict[int, float] = {}
    for what, value in raw.items() if isinstance(raw, dict) else raw:
        bias = -math.inf if value is False else float(value)
        for token in await _tokens_of(what, model):
            found[token] = bias
    return tuple(found.items())


async def _tokens_of(what: int | str, model: Model) -> tuple[int, ...]:
    if isinstance(what, str) and what.isascii() and what.isdigit():
        what = int(what)
    if isinstance(what, str):
        return tuple(await model.engine.tokenize((TextSegment(what),))) if what else ()
    if not 0 <= what < model.info.n_vocab:
        raise ApiError(f"{what} is no token of the model, which has {model.info.n_vocab}", param="logit_bias")
    return (what,)
