"""llama-server's infill: what editors' plugins ask at a cursor."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request

from pylot_ls.api.bodies import document_of, read_body
from pylot_ls.api.choices import Choices
from pylot_ls.api.drawing import wish_of
from pylot_ls.api.infilling import Hole, Other
from pylot_ls.api.native import NativeAnswer, counted, only
from pylot_ls.api.respond import Answer
from pylot_ls.api.schemas import InfillBody
from pylot_ls.api.service import Api
from pylot_ls.engine.manifest import Role

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pylot_ls.api.users import User

# Where the request does not say. llama-server would go on until the context is full.
_MAX_TOKENS = 128


def infill_routes(api: Api) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["llama-server"])

    @router.post("/infill", openapi_extra=document_of(InfillBody), summary="Fill a hole, as at an editor's cursor")
    async def infill(request: Request) -> Answer:
        body = await read_body(request, InfillBody, api.options.limits)
        return Answer(api, fill(api, request.user, body), streams=body.stream)

    return router


async def fill(api: Api, user: User, body: InfillBody) -> AsyncGenerator[Any, None]:
    """What answers a request: chunks where it streams, else one object.

    The most probable token is taken each time unless a temperature is given: the samplers that plugins name for
    infilling come to nearly the same.
    """
    others = tuple(Other(chunk.filename, chunk.text) for chunk in body.input_extra)
    hole = Hole(body.input_prefix + body.prompt, body.input_suffix, others)
    wanted = body.n_predict if body.n_predict is not None else body.max_tokens
    async with api.admission.place(user) as place:
        model = await api.models.get(body.model, Role.COMPLETE)
        if wanted == 0 and not hole.before + hole.after:
            # How llama.vim tells of pieces of other files that it has gathered.
            await api.infilling.renew(model, user, others)
            yield only({"content": "", "stop": True, "tokens_predicted": 0}, body.response_fields)
            return
        most = _MAX_TOKENS if api.options.max_tokens is None else api.options.max_tokens
        room = most if wanted is None or wanted < 0 else wanted
        filling = await api.infilling.fill(model, user, hole, room)
        asked = body.model_copy(update={"max_tokens": room, "temperature": body.temperature or 0.0})
        n_alternatives = body.n_probs or 0
        wish = await wish_of(asked, filling.prompt, model, user, api.options, n_alternatives=n_alternatives)
        if body.t_max_prompt_ms:
            wish = replace(wish, fallbacks=filling.fallbacks, budget_ms=body.t_max_prompt_ms)
        choices = Choices(api, model, [counted(wish, body)], body.n or 1, place)
        answer = NativeAnswer(body, choices, [hole.before] * (body.n or 1), model.name, is_list=(body.n or 1) > 1)
        async with contextlib.aclosing(answer.events()) as events:
            async for event in events:
                if choices.generations[0].usage.fallback:
                    api.infilling.widen(model, user)
                yield event
