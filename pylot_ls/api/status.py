"""What there is and how it does: models, health, properties, slots, metrics, adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from pylot_ls.api.bodies import read_body
from pylot_ls.api.errors import ApiError, not_supported
from pylot_ls.api.metrics import CONTENT_TYPE
from pylot_ls.api.native import drawing_settings
from pylot_ls.api.schemas import AdapterScales
from pylot_ls.api.service import Api
from pylot_ls.api.shapes import FINGERPRINT
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.types import LoadFailed

if TYPE_CHECKING:
    from pylot_ls.engine.types import ModelInfo

_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>pylot-ls</title></head><body>'
    "<h1>pylot-ls</h1><p>OpenAI's API and llama-server's, on the models that your editors use: "
    '<a href="docs">what can be asked</a>, <a href="health">whether it serves</a>.</p></body></html>\n'
)
# FastAPI looks at what routes return.
Json = dict[str, Any]


def status_routes(api: Api) -> APIRouter:
    """Whether it serves, what there is, and what was counted."""
    router = APIRouter()

    async def health() -> Response:
        return _health(api)

    async def models() -> Json:
        return {"object": "list", "data": api.models.listed()}

    @router.get("/", include_in_schema=False)
    async def page() -> Response:
        if not api.options.has_page:
            raise ApiError("there is no page here", 404, "not_found_error", code="not_found")
        return HTMLResponse(_PAGE)

    for path in ("/health", "/v1/health"):
        router.add_api_route(path, health, methods=["GET"], tags=["status"], summary="Whether it serves")
    for path in ("/v1/models", "/models"):
        router.add_api_route(path, models, methods=["GET"], tags=["OpenAI"], summary="The models")

    @router.get("/v1/models/{name:path}", tags=["OpenAI"], summary="A model")
    async def model(name: str) -> Json:
        return api.models.one(name)

    @router.get("/metrics", tags=["status"], summary="Counts for Prometheus")
    async def metrics() -> Response:
        if not api.options.has_metrics:
            raise not_supported("this server does not show metrics")
        response = Response(api.metrics.text(), media_type=CONTENT_TYPE)
        # As llama-server spells it: some who read it know no other spelling.
        response.raw_headers.append((b"Process-Start-Time-Unix", str(api.metrics.started_at).encode()))
        return response

    return router


def slot_routes(api: Api) -> APIRouter:
    """llama-server's own about how it is run."""
    router = APIRouter(tags=["llama-server"])

    @router.get("/props", summary="How it is run")
    async def props() -> Json:
        return _props(api)

    @router.post("/props", summary="Nothing can be changed")
    async def change_props() -> Response:
        raise not_supported("properties are the settings', and cannot be changed by requests")

    @router.get("/slots", summary="What is being worked on")
    async def slots(request: Request, fail_on_no_slot: int = 0) -> list[Json]:
        if not api.options.has_slots:
            raise not_supported("this server does not show its slots")
        if fail_on_no_slot and len(api.admission.places) >= api.options.limits.most_running:
            raise ApiError("no slot is available", 503, "unavailable_error", code="no_slot")
        return _slots(api, request)

    @router.post("/slots/{slot}", summary="Nothing is to be saved by hand")
    async def act_on_slot(slot: int, action: str = "") -> Response:
        raise not_supported(
            f"{action or 'nothing'} of slot {slot}: prompts are kept, on disk too, and found again by themselves"
        )

    @router.get("/lora-adapters", summary="What is applied to the model")
    async def adapters() -> list[Json]:
        return _adapters(api)

    @router.post("/lora-adapters", summary="Adapters are chosen in the settings")
    async def set_adapters(request: Request) -> Json:
        body = await read_body(request, AdapterScales, api.options.limits)
        wanted = {each.id: each.scale for each in body.root}
        if any(wanted.get(each["id"], 0.0) != each["scale"] for each in _adapters(api)):
            raise not_supported("how much adapters count is said in the settings (model.adapters), for all requests")
        return {"success": True}

    return router


def _health(api: Api) -> Response:
    state = api.pool.complete.state
    if isinstance(state, LoadFailed):
        return JSONResponse(ApiError(state.message, 503, "unavailable_error", code="unavailable").body(), 503)
    if api.pool.known(Role.COMPLETE) is None:
        return JSONResponse(ApiError("Loading model", 503, "unavailable_error", code="loading").body(), 503)
    return JSONResponse({"status": "ok"})


def _props(api: Api) -> Json:
    info = api.pool.known(Role.COMPLETE)
    options = api.options
    return {
        "default_generation_settings": {
            "n_ctx": info.n_ctx if info else 0,
            "params": {
                **drawing_settings(options.sampling),
                "n_predict": -1 if options.max_tokens is None else options.max_tokens,
            },
        },
        "total_slots": options.limits.most_running,
        "model_alias": _name(api, info),
        "model_path": info.path if info else "",
        "modalities": {"vision": False, "audio": False, "video": False},
        "endpoint_slots": options.has_slots,
        "endpoint_props": False,
        "endpoint_metrics": options.has_metrics,
        "chat_template": info.chat_template if info else "",
        "bos_token": info.bos.text if info and info.bos else "",
        "eos_token": info.eos.text if info and info.eos else "",
        "build_info": FINGERPRINT,
        "is_sleeping": False,
    }


def _name(api: Api, info: ModelInfo | None) -> str:
    return api.models.name_of(Role.COMPLETE, info) if info else ""


def _slots(api: Api, request: Request) -> list[Json]:
    """The places of requests; of other users' only that they are at work."""
    info = api.pool.known(Role.COMPLETE)
    found = []
    for number in range(api.options.limits.most_running):
        place = api.admission.places.get(number)
        slot: Json = {"id": number, "n_ctx": info.n_ctx if info else 0, "is_processing": place is not None}
        if place is None or place.user == request.user:
            n_decoded = 0 if place is None else place.n_decoded
            slot["next_token"] = [{"n_decoded": n_decoded, "n_remain": -1}]
            slot["n_prompt_tokens"] = 0 if place is None else place.n_prompt
        found.append(slot)
    return found


def _adapters(api: Api) -> list[Json]:
    info = api.pool.known(Role.COMPLETE)
    adapters = info.adapters if info else ()
    return [{"id": number, "path": path, "scale": scale} for number, (path, scale) in enumerate(adapters)]
