"""Texts as vectors: OpenAI's embeddings, and llama-server's."""

from __future__ import annotations

import base64
import struct
import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request

from pylot_ls.api.bodies import document_of, read_body
from pylot_ls.api.errors import ApiError, not_supported
from pylot_ls.api.prompting import pieces_of, prompt_of
from pylot_ls.api.respond import Answer
from pylot_ls.api.schemas import EmbeddingBody, NativeEmbeddingBody
from pylot_ls.api.service import Api
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Priority

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pylot_ls.api.models import Model
    from pylot_ls.api.users import User

    Json = dict[str, Any]

# OpenAI's own limit; each is a text of its own, and they share batches.
_MOST_TEXTS = 2048
_FLOAT_BYTES = 4
# Tokens that begin and end a text.
_MOST_ADDED = 2


def embedding_routes(api: Api) -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.post(
        "/v1/embeddings", tags=["OpenAI"], openapi_extra=document_of(EmbeddingBody), summary="Turn texts into vectors"
    )
    async def embeddings(request: Request) -> Answer:
        body = await read_body(request, EmbeddingBody, api.options.limits)
        return Answer(api, embed(api, request.user, body), streams=False)

    async def native(request: Request) -> Answer:
        body = await read_body(request, NativeEmbeddingBody, api.options.limits)
        return Answer(api, embed_natively(api, request.user, body), streams=False)

    for path in ("/embedding", "/embeddings"):
        router.add_api_route(
            path,
            native,
            methods=["POST"],
            tags=["llama-server"],
            openapi_extra=document_of(NativeEmbeddingBody),
            summary="Turn texts into vectors",
        )
    return router


async def embed(api: Api, user: User, body: EmbeddingBody) -> AsyncGenerator[Json, None]:
    """What answers a request."""
    model, vectors, n_tokens = await _vectors(api, user, body.model, body.input)
    if body.dimensions is not None and body.dimensions != model.info.n_embd:
        raise ApiError(f"vectors of this model have {model.info.n_embd} dimensions", param="dimensions")
    yield {
        "object": "list",
        "model": model.name,
        "data": [
            {"object": "embedding", "index": number, "embedding": _shown(vector, body.encoding_format)}
            for number, vector in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
    }


async def embed_natively(api: Api, user: User, body: NativeEmbeddingBody) -> AsyncGenerator[list[Json], None]:
    """What answers a request of llama-server's: each text has a list of vectors, which is one."""
    raw = body.content if body.content is not None else body.input
    _, vectors, _ = await _vectors(api, user, body.model, raw)
    yield [{"index": number, "embedding": [_shown(vector, "float")]} for number, vector in enumerate(vectors)]


async def _vectors(api: Api, user: User, name: str | None, raw: Any) -> tuple[Model, tuple[bytes, ...], int]:
    """The model, a vector for each text, and how many tokens those had."""
    pieces, _ = pieces_of(raw, "input")
    if len(pieces) > _MOST_TEXTS:
        raise ApiError(f"{len(pieces)} texts at once; at most {_MOST_TEXTS} may be", param="input")
    async with api.admission.place(user):
        model = await api.models.get(name, Role.EMBED)
        if not model.info.n_embd:
            raise not_supported(f"{model.name} makes no vectors; choose an embedding model: roles.embed")
        texts = [await _whole(each, model) for each in pieces]
        began = time.monotonic()
        # Equal texts are evaluated once, and have equal vectors to the last bit.
        once = list(dict.fromkeys(texts))
        found = await model.engine.embedded(once, priority=Priority.INTERACTIVE, session=user.session)
        n_tokens = sum(found.n_tokens)
        api.metrics.embedded(user, n_tokens, found.evaluations, time.monotonic() - began)
        api.admission.spend(user, n_tokens)
    vectors = dict(zip(once, found.vectors, strict=True))
    counts = dict(zip(once, found.n_tokens, strict=True))
    return model, tuple(vectors[text] for text in texts), sum(counts[text] for text in texts)


async def _whole(pieces: tuple[str | int, ...], model: Model) -> str | tuple[int, ...]:
    """A text, or all tokens of what is given as tokens, or mixed.

    Raises:
        ApiError: it is longer than the model sees at once: the engine would cut it.
    """
    if len(pieces) == 1 and isinstance(pieces[0], str):
        text = pieces[0]
        if len(text.encode("utf-8", "replace")) + _MOST_ADDED > model.info.n_ctx:
            n_tokens = len(await model.engine.tokenize((TextSegment(text),))) if text else 0
            _check_length(n_tokens, model)
        return text
    prompt = prompt_of(pieces, begins_text=False)
    # Even where it is tokens alone: whether the model has them is seen, too.
    tokens = await model.engine.tokenize(prompt)
    _check_length(len(tokens), model)
    return tokens


def _check_length(n_tokens: int, model: Model) -> None:
    n_ctx = model.info.n_ctx
    if n_tokens + _MOST_ADDED > n_ctx:
        raise ApiError(
            f"the input is too large to process: a text has {n_tokens} tokens, and the model sees {n_ctx} at once",
            param="input",
            code="context_length_exceeded",
        )


def _shown(vector: bytes, encoding: str) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(vector).decode("ascii")
    return list(struct.unpack(f"<{len(vector) // _FLOAT_BYTES}f", vector))
