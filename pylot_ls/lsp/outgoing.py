"""The server's own requests to the client, and the answers to them."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcException, JsonRpcInternalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cattrs import Converter

_log = logging.getLogger(__name__)

MessageId = int | str


class OutgoingRequests:
    """Holds a future for each request that the client has yet to answer.

    Args:
        converter: structures the answers.
        result_type: gives the type of the answer to a method, or None for a method LSP does not know.
    """

    def __init__(self, converter: Converter, result_type: Callable[[str], type[Any] | None]) -> None:
        self._converter = converter
        self._result_type = result_type
        self._waiting: dict[MessageId, tuple[str, Future[Any]]] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def open(self, msg_id: MessageId, method: str, callback: Callable[[Any], None] | None) -> Future[Any]:
        """Return the future of a request that is about to be sent; a cancelled one after ``close``."""
        future: Future[Any] = Future()
        if self._closed:
            future.cancel()
            return future
        self._waiting[msg_id] = (method, future)
        future.add_done_callback(lambda _: self._waiting.pop(msg_id, None))
        if callback is not None:
            future.add_done_callback(partial(_call_back, method, callback))
        return future

    def settle(self, msg_id: MessageId | None, answer: dict[str, Any]) -> None:
        """Give the client's answer to the request it belongs to; one that belongs to none is ignored.

        A request that was cancelled meanwhile is no longer waiting.
        """
        waiting = None if msg_id is None else self._waiting.get(msg_id)
        if waiting is None:
            _log.info("Ignored the client's answer to a request that is not waiting for one.")
            return
        method, future = waiting
        if "error" in answer:
            future.set_exception(_client_error(answer["error"]))
            return
        answer_type = self._result_type(method)
        try:
            result = answer["result"]
            if answer_type is not None:
                result = self._converter.structure({"jsonrpc": "2.0", **answer}, answer_type).result
        except Exception:  # noqa: BLE001 cattrs passes on whatever a hook raised
            future.set_exception(JsonRpcInternalError(f"the client's answer to '{method}' is malformed"))
        else:
            future.set_result(result)

    def close(self) -> None:
        """Cancel all that are waiting, and from here on every new one."""
        self._closed = True
        for _, future in list(self._waiting.values()):
            future.cancel()


def _client_error(error: Any) -> JsonRpcException:
    fields = error if isinstance(error, dict) else {}
    code, message = fields.get("code"), fields.get("message")
    return JsonRpcException(
        message=message if isinstance(message, str) else "the client answered with an error",
        code=code if isinstance(code, int) else JsonRpcInternalError.CODE,
        data=fields.get("data"),
    )


def _call_back(method: str, callback: Callable[[Any], None], future: Future[Any]) -> None:
    if future.cancelled():
        return
    if (error := future.exception()) is not None:
        _log.warning("The client refused '%s': %s", method, error)
        return
    try:
        callback(future.result())
    except Exception:  # noqa: BLE001 a callback may raise anything; the server goes on
        _log.exception("What was to follow the client's answer to '%s' failed.", method)
