"""llama-server's routes for tokens and templates: what a model reads, and what its tokens say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request

from pylot_ls.api.bodies import document_of, read_body
from pylot_ls.api.chat_messages import chat_prompt
from pylot_ls.api.errors import ApiError
from pylot_ls.api.prompting import pieces_of, prompt_of
from pylot_ls.api.respond import Answer
from pylot_ls.api.schemas import ChatBody, DetokenizeBody, TokenizeBody
from pylot_ls.api.service import Api
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.prompt_types import TextSegment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    Json = dict[str, Any]

# Any text without a space.
_PROBE = "x"


def token_routes(api: Api) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["llama-server"])

    @router.post("/tokenize", openapi_extra=document_of(TokenizeBody), summary="Text to tokens")
    async def tokenize(request: Request) -> Answer:
        body = await read_body(request, TokenizeBody, api.options.limits)
        return Answer(api, _tokenized(api, body), streams=False)

    @router.post("/detokenize", openapi_extra=document_of(DetokenizeBody), summary="Tokens to text")
    async def detokenize(request: Request) -> Answer:
        body = await read_body(request, DetokenizeBody, api.options.limits)
        return Answer(api, _text(api, body), streams=False)

    @router.post("/apply-template", openapi_extra=document_of(ChatBody), summary="A conversation as the model reads it")
    async def apply_template(request: Request) -> Answer:
        body = await read_body(request, ChatBody, api.options.limits)
        return Answer(api, _laid_out(api, body), streams=False)

    async def count(request: Request) -> Answer:
        body = await read_body(request, ChatBody, api.options.limits)
        return Answer(api, _counted(api, body), streams=False)

    for path in ("/chat/completions/input_tokens", "/v1/chat/completions/input_tokens"):
        router.add_api_route(
            path, count, methods=["POST"], openapi_extra=document_of(ChatBody), summary="Count a conversation's tokens"
        )
    return router


async def _tokenized(api: Api, body: TokenizeBody) -> AsyncGenerator[Json, None]:
    model = await api.models.get(body.model, Role.COMPLETE)
    if body.content in ("", []):
        yield {"tokens": []}
        return
    pieces, _ = pieces_of(body.content, "content")
    if len(pieces) != 1:
        raise ApiError("content is one text, or one list of texts and tokens", param="content")
    prompt = prompt_of(pieces[0], begins_text=body.add_special, is_special=body.parse_special)
    tokens = await model.engine.tokenize(prompt)
    if not body.with_pieces:
        yield {"tokens": list(tokens)}
        return
    texts = await model.engine.pieces(tokens)
    yield {"tokens": [{"id": token, "piece": _shown(text)} for token, text in zip(tokens, texts, strict=True)]}


async def _text(api: Api, body: DetokenizeBody) -> AsyncGenerator[Json, None]:
    model = await api.models.get(body.model, Role.COMPLETE)
    wrong = next((token for token in body.tokens if not 0 <= token < model.info.n_vocab), None)
    if wrong is not None:
        raise ApiError(f"{wrong} is no token of the model, which has {model.info.n_vocab}", param="tokens")
    texts = await model.engine.pieces(tuple(body.tokens)) if body.tokens else ()
    yield {"content": b"".join(texts).decode("utf-8", "replace")}


async def _laid_out(api: Api, body: ChatBody) -> AsyncGenerator[Json, None]:
    model = await api.models.get(body.model, Role.CHAT)
    found = await model.engine.rendered(chat_prompt(body))
    bos = model.info.bos
    # What begins a text is added anew where this text is asked for.
    n_bos = int(model.info.adds_bos and bos is not None and found.tokens[:1] == (bos.token_id,))
    text = b"".join(found.pieces[n_bos:])
    if (await model.engine.rendered((TextSegment(_PROBE, special=True, opens=True),))).pieces[0].startswith(b" "):
        text = text.removeprefix(b" ")  # that, too, is put before each text
    yield {"prompt": text.decode("utf-8", "replace")}


async def _counted(api: Api, body: ChatBody) -> AsyncGenerator[Json, None]:
    model = await api.models.get(body.model, Role.CHAT)
    yield {"object": "response.input_tokens", "input_tokens": len(await model.engine.tokenize(chat_prompt(body)))}


def _shown(piece: bytes) -> str | list[int]:
    """A piece as text, or as bytes where it is none."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)
