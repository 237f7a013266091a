"""OpenAI's chat completions: conversations, tools, answers of a given form."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request

from pylot_ls.api.bodies import document_of, read_body
from pylot_ls.api.chat_messages import chat_prompt
from pylot_ls.api.choices import Choices
from pylot_ls.api.drawing import wish_of
from pylot_ls.api.logprobs import shown
from pylot_ls.api.respond import DONE, Answer
from pylot_ls.api.schemas import ChatBody
from pylot_ls.api.service import Api
from pylot_ls.api.shapes import finish_reason, head_of, timings_of, usage_of
from pylot_ls.api.tool_reader import ToolReader
from pylot_ls.api.tools import chat_grammar, offered
from pylot_ls.engine.manifest import Role

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from pylot_ls.api.users import User
    from pylot_ls.engine.types import Token

    Json = dict[str, Any]

PATH = "/v1/chat/completions"


def chat_routes(api: Api) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["OpenAI"])

    async def chat(request: Request) -> Answer:
        body = await read_body(request, ChatBody, api.options.limits)
        return Answer(api, converse(api, request.user, body), streams=body.stream)

    for path in (PATH, "/chat/completions"):
        router.add_api_route(
            path, chat, methods=["POST"], openapi_extra=document_of(ChatBody), summary="Answer in a conversation"
        )
    return router


async def converse(api: Api, user: User, body: ChatBody) -> AsyncGenerator[Json | str, None]:
    """What answers a request: chunks and ``DONE`` where it streams, else one object."""
    prompt, grammar = chat_prompt(body), chat_grammar(body)
    if body.max_completion_tokens is not None:
        body = body.model_copy(update={"max_tokens": body.max_completion_tokens})
    async with api.admission.place(user) as place:
        model = await api.models.get(body.model, Role.CHAT)
        n = body.n or body.n_cmpl or 1
        wish = await wish_of(
            body, prompt, model, user, api.options, n_alternatives=_n_alternatives(body) or 0, grammar=grammar
        )
        choices = Choices(api, model, [wish], n, place)
        verbose = None
        if api.options.tells_prompts if body.verbose is None else body.verbose:
            pieces = await model.engine.pieces(await model.engine.tokenize(prompt))
            verbose = {"prompt": b"".join(pieces).decode("utf-8", "replace"), "grammar": wish.grammar}
        answer = _Answer(body, choices, head_of("chat.completion", "chatcmpl", model.name), verbose)
        async with contextlib.aclosing(answer.stream() if body.stream else answer.whole()) as events:
            async for event in events:
                yield event


def _n_alternatives(body: ChatBody) -> int | None:
    """How many alternatives are to be told; None where no probabilities are."""
    if body.n_probs:
        return body.n_probs
    return (body.top_logprobs or 0) if body.logprobs else None


class _Message:
    """One answer, as it comes: with tools it is read, else it is content as it stands."""

    def __init__(self, *, has_tools: bool) -> None:
        self._reader = ToolReader() if has_tools else None
        self._content = ""

    def feed(self, text: str) -> list[Json]:
        """What a piece adds, as deltas."""
        if self._reader is not None:
            return self._reader.feed(text)
        self._content += text
        return [{"content": text}] if text else []

    def finish(self) -> list[Json]:
        """What is left at the end."""
        return self._reader.finish() if self._reader is not None else []

    @property
    def calls(self) -> list[Json]:
        """The calls of tools."""
        return [call.shown() for call in self._reader.calls] if self._reader is not None else []

    def whole(self) -> Json:
        """All of it."""
        calls = self.calls
        content = self._content if self._reader is None else self._reader.content
        message: Json = {"role": "assistant", "content": content if content or not calls else None, "refusal": None}
        return message | ({"tool_calls": calls} if calls else {})


class _Answer:
    """Builds the objects of an answer."""

    def __init__(self, body: ChatBody, choices: Choices, head: Json, verbose: Json | None) -> None:
        self._body = body
        self._choices = choices
        self._head = head
        self._verbose = verbose
        self._tells = _n_alternatives(body) is not None
        has_tools = bool(offered(body))
        self._messages = [_Message(has_tools=has_tools) for _ in choices.generations]

    async def stream(self) -> AsyncGenerator[Json | str, None]:
        """Chunks, and ``DONE``."""
        begun: set[int] = set()
        # Tokens whose text says nothing yet: half a call of a tool.
        held: dict[int, tuple[Token, ...]] = {}
        async with contextlib.aclosing(self._choices.pieces()) as pieces:
            async for number, piece in pieces:
                if number not in begun:
                    begun.add(number)
                    yield self._first(number)
                tokens = (*held.pop(number, ()), *piece.tokens)
                deltas = self._messages[number].feed(piece.text)
                if not deltas:
                    held[number] = tokens
                for place, delta in enumerate(deltas):
                    yield self._chunk(number, delta, tokens if place == 0 else ())
        for number, generation in enumerate(self._choices.generations):
            if number not in begun:
                yield self._first(number)
            for delta in self._messages[number].finish():
                yield self._chunk(number, delta, held.pop(number, ()))
            yield self._chunk(number, {}, reason=self._reason(number)) | {"timings": timings_of(generation.usage)}
        if self._body.stream_options is not None and self._body.stream_options.include_usage:
            timings = timings_of(self._choices.generations[0].usage)
            yield self._chunk_head | {"choices": [], "usage": self._usage(), "timings": timings}
        yield DONE

    @property
    def _chunk_head(self) -> Json:
        return self._head | {"object": "chat.completion.chunk"}

    def _first(self, number: int) -> Json:
        chunk = self._chunk(number, {"role": "assistant", "content": None}, is_timed=False)
        return chunk | ({"__verbose": self._verbose} if self._verbose is not None else {})

    def _chunk(
        self,
        number: int,
        delta: Json,
        tokens: Sequence[Token] = (),
        *,
        reason: str | None = None,
        is_timed: bool = True,
    ) -> Json:
        choice: Json = {"index": number, "delta": delta, "logprobs": None, "finish_reason": reason}
        if self._tells and tokens:
            choice["logprobs"] = {"content": shown(tokens), "refusal": None}
        chunk = self._chunk_head | {"choices": [choice]}
        if self._body.timings_per_token and is_timed:
            chunk["timings"] = timings_of(self._choices.generations[number].usage)
        return chunk

    async def whole(self) -> AsyncGenerator[Json, None]:
        """The one object."""
        tokens: list[list[Token]] = [[] for _ in self._messages]
        async with contextlib.aclosing(self._choices.pieces()) as pieces:
            async for number, piece in pieces:
                self._messages[number].feed(piece.text)
                tokens[number].extend(piece.tokens)
        found = []
        for number, message in enumerate(self._messages):
            message.finish()
            logprobs = {"content": shown(tokens[number]), "refusal": None} if self._tells else None
            found.append(
                {
                    "index": number,
                    "message": message.whole(),
                    "logprobs": logprobs,
                    "finish_reason": self._reason(number),
                }
            )
        answer = self._head | {"choices": found, "usage": self._usage()}
        answer["timings"] = timings_of(self._choices.generations[0].usage)
        yield answer | ({"__verbose": self._verbose} if self._verbose is not None else {})

    def _reason(self, number: int) -> str:
        end = self._choices.generations[number].end
        reason = finish_reason(end.reason) if end is not None else "length"
        return "tool_calls" if reason == "stop" and self._messages[number].calls else reason

    def _usage(self) -> Json:
        generations = self._choices.generations
        return usage_of((generation.usage for generation in generations), len(generations))
