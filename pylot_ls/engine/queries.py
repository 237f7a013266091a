"""Requests that ask about the vocabulary alone: answered at once, with nothing evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.engine.failure import failed
from pylot_ls.engine.types import Failed, Finished, FinishReason, Rendered, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.inbox import Job
    from pylot_ls.engine.rendering import PromptRenderer


def rendered(job: Job, renderer: PromptRenderer, spelling: Callable[[int], bytes]) -> Rendered | Finished | Failed:
    """The last event of a request with ``renders``.

    Args:
        job: the request, and whether it was cancelled.
        renderer: the model's.
        spelling: the bytes that a token is written with, special tokens as well.
    """
    request_id = job.request.request_id
    if job.cancelled:
        return Finished(request_id, FinishReason.CANCELLED, "", Usage())
    try:
        tokens = renderer.render(job.request.prompt)
        return Rendered(request_id, tokens, tuple(map(spelling, tokens)))
    except Exception as error:  # noqa: BLE001 - the other requests must go on
        return failed(request_id, error)
