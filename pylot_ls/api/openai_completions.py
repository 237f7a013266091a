"""OpenAI's completions: texts continued, and holes filled."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request

from pylot_ls.api.bodies import document_of, read_body
from pylot_ls.api.choices import Choices
from pylot_ls.api.drawing import wish_of
from pylot_ls.api.errors import ApiError
from pylot_ls.api.infilling import Hole
from pylot_ls.api.logprobs import legacy, shown
from pylot_ls.api.prompting import pieces_of, prompt_of
from pylot_ls.api.respond import DONE, Answer
from pylot_ls.api.schemas import CompletionBody
from pylot_ls.api.service import Api
from pylot_ls.api.shapes import finish_reason, head_of, timings_of, usage_of
from pylot_ls.engine.manifest import Role

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pylot_ls.api.generation import Generation, Wish
    from pylot_ls.api.models import Model
    from pylot_ls.api.prompting import Pieces
    from pylot_ls.api.users import User
    from pylot_ls.engine.types import Token

    Json = dict[str, Any]

PATH = "/v1/completions"


def completion_routes(api: Api) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["OpenAI"])

    @router.post(PATH, openapi_extra=document_of(CompletionBody), summary="Continue a text, or fill a hole in it")
    async def completions(request: Request) -> Answer:
        body = await read_body(request, CompletionBody, api.options.limits)
        return Answer(api, complete(api, request.user, body), streams=body.stream)

    return router


async def complete(api: Api, user: User, body: CompletionBody) -> AsyncGenerator[Json | str, None]:
    """What answers a request: chunks and ``DONE`` where it streams, else one object."""
    prompts, _ = pieces_of(body.prompt)
    async with api.admission.place(user) as place:
        model = await api.models.get(body.model, Role.COMPLETE)
        n = body.n or body.n_cmpl or 1
        wishes = [await _wish(api, user, body, model, pieces) for pieces in prompts]
        choices = Choices(api, model, wishes, n, place)
        answer = _Answer(body, prompts, choices, head_of("text_completion", "cmpl", model.name), n)
        async with contextlib.aclosing(answer.stream() if body.stream else answer.whole()) as events:
            async for event in events:
                yield event


async def _wish(api: Api, user: User, body: CompletionBody, model: Model, pieces: Pieces) -> Wish:
    n_alternatives = _n_alternatives(body) or 0
    if not body.suffix:
        prompt = prompt_of(pieces)
    else:
        if len(pieces) != 1 or not isinstance(pieces[0], str):
            raise ApiError("with a suffix, the prompt has to be a text", param="suffix")
        room = body.max_tokens if body.max_tokens is not None and body.max_tokens >= 0 else model.info.n_ctx // 4
        prompt = (await api.infilling.fill(model, user, Hole(pieces[0], body.suffix), room)).prompt
        body = body.model_copy(update={"max_tokens": room})
    return await wish_of(body, prompt, model, user, api.options, n_alternatives=n_alternatives)


def _n_alternatives(body: CompletionBody) -> int | None:
    """How many alternatives are to be told; None where no probabilities are."""
    if body.n_probs:
        return body.n_probs
    if body.logprobs is None or body.logprobs is False:
        return None
    return int(body.logprobs)


class _Answer:
    """Builds the objects of an answer."""

    def __init__(self, body: CompletionBody, prompts: list[Pieces], choices: Choices, head: Json, n: int) -> None:
        self._body = body
        self._choices = choices
        self._head = head
        self._n = n
        self._tells = _n_alternatives(body) is not None
        count = len(choices.generations)
        self._prompts = [
            "".join(piece for piece in prompts[number // n] if isinstance(piece, str)) if body.echo else ""
            for number in range(count)
        ]
        self._lengths = [len(prompt) for prompt in self._prompts]

    async def stream(self) -> AsyncGenerator[Json | str, None]:
        """Chunks, and ``DONE``."""
        begun: set[int] = set()
        async with contextlib.aclosing(self._choices.pieces()) as pieces:
            async for number, piece in pieces:
                text = piece.text if number in begun else self._prompts[number] + piece.text
                begun.add(number)
                chunk = self._with([self._choice(number, text, piece.tokens, None)])
                if self._body.timings_per_token:
                    chunk["timings"] = timings_of(self._choices.generations[number].usage)
                yield chunk
        for number, generation in enumerate(self._choices.generations):
            chunk = self._with([self._choice(number, "", (), _reason(generation))])
            chunk["timings"] = timings_of(generation.usage)
            yield chunk
        if self._body.stream_options is not None and self._body.stream_options.include_usage:
            yield self._with([]) | {"usage": self._usage()}
        yield DONE

    async def whole(self) -> AsyncGenerator[Json, None]:
        """The one object."""
        texts = list(self._prompts)
        tokens: list[list[Token]] = [[] for _ in texts]
        async with contextlib.aclosing(self._choices.pieces()) as pieces:
            async for number, piece in pieces:
                texts[number] += piece.text
                tokens[number].extend(piece.tokens)
        self._lengths = [len(prompt) for prompt in self._prompts]
        generations = self._choices.generations
        choices = [
            self._choice(number, text, tokens[number], _reason(generations[number]))
            for number, text in enumerate(texts)
        ]
        yield self._with(choices) | {"usage": self._usage(), "timings": timings_of(generations[0].usage)}

    def _choice(self, number: int, text: str, tokens: list[Token] | tuple[Token, ...], reason: str | None) -> Json:
        logprobs = None
        if self._tells and tokens:
            logprobs = {"content": shown(tokens)} | legacy(tokens, self._lengths[number])
        self._lengths[number] += len(text)
        return {"text": text, "index": number, "logprobs": logprobs, "finish_reason": reason}

    def _with(self, choices: list[Json]) -> Json:
        return self._head | {"choices": choices}

    def _usage(self) -> Json:
        return usage_of((generation.usage for generation in self._choices.generations), self._n)


def _reason(generation: Generation) -> str:
    return finish_reason(generation.end.reason) if generation.end is not None else "length"
