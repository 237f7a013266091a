"""llama-server's completions, in its own shape."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request

from pylot_ls.api.bodies import document_of, read_body
from pylot_ls.api.choices import Choices
from pylot_ls.api.drawing import ANY_SEED, wish_of
from pylot_ls.api.logprobs import shown
from pylot_ls.api.prompting import pieces_of, prompt_of
from pylot_ls.api.respond import Answer
from pylot_ls.api.sampled import n_counted, shown_as_drawn
from pylot_ls.api.schemas import InfillBody, NativeBody
from pylot_ls.api.service import Api
from pylot_ls.api.shapes import timings_of
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.types import FinishReason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from pylot_ls.api.generation import Generation, Piece, Wish
    from pylot_ls.api.models import Model
    from pylot_ls.api.users import User
    from pylot_ls.engine.types import Sampling, Token

    Json = dict[str, Any]

_STOP_TYPES = {FinishReason.END: "eos", FinishReason.STOP: "word", FinishReason.LENGTH: "limit"}


def native_routes(api: Api) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["llama-server"])

    async def completion(request: Request) -> Answer:
        body = await read_body(request, NativeBody, api.options.limits)
        return Answer(api, complete(api, request.user, body), streams=body.stream)

    for path in ("/completion", "/completions"):
        router.add_api_route(
            path, completion, methods=["POST"], openapi_extra=document_of(NativeBody), summary="Continue a text"
        )
    return router


async def complete(api: Api, user: User, body: NativeBody) -> AsyncGenerator[Any, None]:
    """What answers a request: chunks where it streams, else one object, or a list of them for several texts."""
    prompts, is_list = pieces_of(body.prompt)
    async with api.admission.place(user) as place:
        model = await api.models.get(body.model, Role.COMPLETE)
        wishes = [
            await wish_of(body, prompt_of(pieces), model, user, api.options, n_alternatives=body.n_probs or 0)
            for pieces in prompts
        ]
        wishes = [counted(wish, body) for wish in wishes]
        n = body.n or body.n_cmpl or 1
        choices = Choices(api, model, wishes, n, place)
        texts = []
        if not body.response_fields or "prompt" in body.response_fields:
            texts = [text for wish in wishes for text in [await _text_of(wish, model)] * n]
        answer = NativeAnswer(body, choices, texts, model.name, is_list=is_list or n > 1)
        async with contextlib.aclosing(answer.events()) as events:
            async for event in events:
                yield event


async def _text_of(wish: Wish, model: Model) -> str:
    """A prompt as the model reads it, with its special tokens."""
    return b"".join((await model.engine.rendered(wish.prompt)).pieces).decode("utf-8", "replace")


def counted(wish: Wish, body: NativeBody | InfillBody) -> Wish:
    """The wish with as many alternatives as are needed for what is to be shown of them."""
    if not (body.post_sampling_probs and body.n_probs):
        return wish
    return replace(wish, n_alternatives=n_counted(wish.sampling, body.n_probs))


class NativeAnswer:
    """Builds the objects of an answer.

    Args:
        body: the request.
        choices: its texts.
        prompts: of each; empty where they are not to be shown.
        model: the model's name.
        is_list: whether several objects are to come back as a list.
    """

    def __init__(
        self, body: NativeBody | InfillBody, choices: Choices, prompts: Sequence[str], model: str, *, is_list: bool
    ) -> None:
        self._body = body
        self._choices = choices
        self._prompts = prompts
        self._model = model
        self._is_list = is_list

    async def events(self) -> AsyncGenerator[Any, None]:
        """What is to be sent."""
        generations = self._choices.generations
        found: list[list[Piece]] = [[] for _ in generations]
        async with contextlib.aclosing(self._choices.pieces()) as pieces:
            async for number, piece in pieces:
                if self._body.stream:
                    yield self._chunk(number, piece)
                    found[number].append(piece)  # whether it has a line's end is asked in the end
                else:
                    found[number].append(piece)
        ends = [self._end(number, found[number]) for number in range(len(generations))]
        if not self._body.stream:
            yield ends if self._is_list else ends[0]
            return
        for end in ends:
            yield end

    def _chunk(self, number: int, piece: Piece) -> Json:
        usage = self._choices.generations[number].usage
        chunk: Json = {
            "index": number,
            "content": piece.text,
            "tokens": [token.token_id for token in piece.tokens],
            "stop": False,
            "id_slot": self._slot(number),
            "tokens_predicted": usage.tokens_decoded,
            "tokens_evaluated": usage.prompt_tokens,
        }
        if self._body.timings_per_token:
            chunk["timings"] = timings_of(usage)
        if self._body.n_probs:
            chunk["completion_probabilities"] = self._shown(number, piece.tokens)
        return chunk

    def _end(self, number: int, pieces: list[Piece]) -> Json:
        generation = self._choices.generations[number]
        usage, end = generation.usage, generation.end
        text = "".join(piece.text for piece in pieces)
        tokens = [token for piece in pieces for token in piece.tokens]
        whole: Json = {
            "index": number,
            "content": "" if self._body.stream else text,
            "tokens": [token.token_id for token in tokens]
            if self._body.return_tokens and not self._body.stream
            else [],
            "id_slot": self._slot(number),
            "stop": True,
            "model": self._model,
            "tokens_predicted": usage.tokens_decoded,
            "tokens_evaluated": usage.prompt_tokens,
            "generation_settings": settings_of(generation, self._body),
            "prompt": self._prompts[number] if self._prompts else "",
            "has_new_line": "\n" in text,
            "truncated": end is not None and end.truncated,
            "stop_type": _STOP_TYPES.get(end.reason, "none") if end is not None else "none",
            "stopping_word": end.stopping_word if end is not None else "",
            "tokens_cached": usage.prompt_tokens + usage.tokens_decoded,
            "timings": timings_of(usage),
        }
        if self._body.n_probs and not self._body.stream:
            whole["completion_probabilities"] = self._shown(number, tokens)
        return only(whole, self._body.response_fields)

    def _shown(self, number: int, tokens: Sequence[Token]) -> list[Json]:
        if not self._body.post_sampling_probs:
            return shown(tokens)
        sampling = self._choices.generations[number].wish.sampling
        return shown_as_drawn(tokens, sampling, self._body.n_probs or 0)

    def _slot(self, number: int) -> int:
        generation: Generation = self._choices.generations[number]
        return generation.place.number


def settings_of(generation: Generation, body: NativeBody | InfillBody) -> Json:
    """How the tokens were drawn, in llama-server's words."""
    wish, sampling = generation.wish, generation.wish.sampling
    biases = [{"token": token, "bias": bias if math.isfinite(bias) else None} for token, bias in sampling.logit_bias]
    eos = generation.model.info.eos
    if sampling.ignore_eos and eos is not None:
        biases.append({"token": eos.token_id, "bias": None})
    n_predict = -1 if wish.max_tokens is None else wish.max_tokens
    return {
        **drawing_settings(sampling),
        "max_tokens": n_predict,
        "n_predict": n_predict,
        "n_keep": body.n_keep,
        "stop": list(wish.stop),
        "stream": body.stream,
        "logit_bias": biases,
        "ignore_eos": sampling.ignore_eos,
        "n_probs": body.n_probs or 0,
        "grammar": wish.grammar,
        "timings_per_token": body.timings_per_token,
        "post_sampling_probs": body.post_sampling_probs,
        "lora": [],
    }


def drawing_settings(sampling: Sampling) -> Json:
    """The part of it that a server has, too."""
    return {
        "seed": ANY_SEED if sampling.seed is None else sampling.seed,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "repeat_last_n": sampling.repeat_last_n,
        "repeat_penalty": sampling.repeat_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "samplers": ["penalties", "top_k", "top_p", "min_p", "temperature"],
    }


def only(whole: Json, fields: list[str] | None) -> Json:
    """The fields that are asked for, all where none are; one inside another is named by both, with a slash between."""
    if not fields:
        return whole
    found: Json = {}
    for field in fields:
        value: Any = whole
        for part in field.split("/"):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[field] = value
    return found
