"""Bodies of requests: read up to a limit, and seen to be what the route takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema
from starlette.requests import ClientDisconnect

from pylot_ls.api.errors import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request

    from pylot_ls.api.options import Limits

# Above this it takes more than a millisecond.
_MOST_AT_ONCE_BYTES = 64 * 1024
_REFERENCE = "#/components/schemas/{model}"
_FORMS: dict[str, type[BaseModel]] = {}
_Body = TypeVar("_Body", bound=BaseModel)


async def read_body(request: Request, form: type[_Body], limits: Limits) -> _Body:
    """What a request says.

    Raises:
        ApiError: it is too large, comes too slowly, is no JSON, or says what no such request says.
    """
    raw = await _read(request, limits)
    return await asyncio.to_thread(parse_body, raw, form) if len(raw) > _MOST_AT_ONCE_BYTES else parse_body(raw, form)


def parse_body(raw: bytes | str, form: type[_Body]) -> _Body:
    """JSON as what a route takes.

    Raises:
        ApiError: it is something else.
    """
    try:
        return form.model_validate_json(raw)
    except ValidationError as error:
        raise _refusal(error) from error


async def _read(request: Request, limits: Limits) -> bytes:
    too_large = ApiError(
        f"the request's body is larger than {limits.most_body_bytes} bytes; send less",
        413,
        code="body_too_large",
        headers={"Connection": "close"},
    )
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > limits.most_body_bytes:
        raise too_large
    raw = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > limits.most_body_bytes:
                    raise too_large
    except TimeoutError as error:
        message = f"the request's body did not arrive within {limits.body_seconds:.0f} s"
        raise ApiError(message, 408, "timeout_error", code="timeout") from error
    except ClientDisconnect as error:
        raise ApiError("the client has gone", 400) from error
    return bytes(raw)


def _refusal(error: ValidationError) -> ApiError:
    """The first of what is wrong, in words."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return ApiError(f"the request's body is no JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
    place = ".".join(str(part) for part in first["loc"] if not _is_kind(part))
    if not place:
        return ApiError("the request's body has to be a JSON object")
    return ApiError(f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}", param=place)


def _is_kind(part: str | int) -> bool:
    """Whether a part of a place is not the client's key but names one of several kinds that there may be."""
    return isinstance(part, str) and ("[" in part or part in {"str", "int", "float", "bool"})


def document_of(form: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI page says of a route's body."""
    _FORMS[form.__name__] = form
    schema = {"$ref": _REFERENCE.format(model=form.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def forms() -> dict[str, Any]:
    """The schemas of all bodies that were documented, by name."""
    wanted: list[tuple[type[BaseModel], Literal["validation"]]] = [(form, "validation") for form in _FORMS.values()]
    _, definitions = models_json_schema(wanted, ref_template=_REFERENCE)
    return dict(definitions.get("$defs", {}))
