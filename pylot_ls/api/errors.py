"""What goes wrong, in the shape in which OpenAI's API says it, with llama-server's types."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pylot_ls.errors import (
    EngineClosedError,
    ModelError,
    ModelUnsupportedError,
    PylotError,
    RequestError,
    UnknownModelError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]


class ApiError(PylotError):
    """A request that is refused or failed.

    Args:
        message: what is wrong, and what to do.
        status: of HTTP.
        kind: the error's ``type``.
        code: a word for programs.
        param: which part of the request is meant.
        more: further keys of the error.
        headers: of the response.
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        kind: str = "invalid_request_error",
        *,
        code: str | None = None,
        param: str | None = None,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.more = dict(more or {})
        self.headers = dict(headers or {})

    def body(self) -> Json:
        """The response's body."""
        error = {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error | self.more}


def too_many(message: str, seconds: float, code: str) -> ApiError:
    """The client is to come again after some seconds."""
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
    return ApiError(message, 429, "rate_limit_error", code=code, headers=headers)


def too_long(n_prompt: int, n_ctx: int) -> ApiError:
    """The prompt does not fit the context."""
    return ApiError(
        f"the prompt has {n_prompt} tokens: it exceeds the available context size, which is {n_ctx} tokens with room "
        "for one more to be generated; shorten it, or raise model.n_ctx",
        400,
        "exceed_context_size_error",
        code="context_length_exceeded",
        more={"n_prompt_tokens": n_prompt, "n_ctx": n_ctx},
    )


def not_supported(message: str) -> ApiError:
    """What this server, or its model, cannot do."""
    return ApiError(message, 501, "not_supported_error", code="not_supported")


def as_api_error(error: Exception) -> ApiError:
    """Any error as one that can be sent: of an unforeseen one nothing is told."""
    if isinstance(error, ApiError):
        return error
    text = str(error)
    if isinstance(error, RequestError):
        return ApiError(text)
    if isinstance(error, UnknownModelError):
        return ApiError(text, 404, "not_found_error", code="model_not_found", param="model")
    if isinstance(error, ModelUnsupportedError):
        return not_supported(text)
    if isinstance(error, ModelError | EngineClosedError):
        return ApiError(text, 503, "unavailable_error", code="unavailable")
    if isinstance(error, TimeoutError):
        return ApiError("it took longer than this server allows", 504, "timeout_error", code="timeout")
    known = text if isinstance(error, PylotError) else "something went wrong inside the server; its log says what"
    return ApiError(known, 500, "server_error", code="internal_error")
