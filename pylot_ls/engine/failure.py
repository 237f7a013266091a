"""From an exception that ended a request to the event that says so."""

from __future__ import annotations

import logging

from pylot_ls.engine.types import Failed
from pylot_ls.errors import PylotError
from pylot_ls.language import Message, text_of

_log = logging.getLogger(__name__)


def failed(request_id: str, error: Exception) -> Failed:
    """The last event of a request; of what is no error of ours only the kind is told, and the rest is logged."""
    if isinstance(error, PylotError):
        return Failed(request_id, text_of(error), type(error).__name__)
    _log.error("request %s failed", request_id, exc_info=error)
    return Failed(request_id, Message("the engine failed: {reason}", reason=type(error).__name__))
