"""JSON-RPC between the transport and the handlers: each request is answered exactly once.

``PylotProtocol`` keeps pygls' registry of handlers, its capabilities and the typed methods of its ``LanguageServer``,
and replaces how messages are read, dispatched and answered. Everything here runs on the event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol

from pylot_ls.errors import PylotError
from pylot_ls.language import text_of
from pylot_ls.lsp import lifecycle
from pylot_ls.lsp.answer_stream import AnswerStream
from pylot_ls.lsp.capabilities import EXPERIMENTAL
from pylot_ls.lsp.outgoing import OutgoingRequests
from pylot_ls.lsp.params import CommandParams, InvalidParamsError, bind_arguments, make_strict, structure_params

if TYPE_CHECKING:
    from concurrent.futures import Future

    from cattrs import Converter
    from pygls.lsp.server import LanguageServer

    from pylot_ls.lsp.framing import FramingFault

_log = logging.getLogger(__name__)

MessageId = int | str
Handler = Callable[[Any], Any]

PARSE_ERROR = types.ErrorCodes.ParseError.value
INVALID_REQUEST = types.ErrorCodes.InvalidRequest.value
METHOD_NOT_FOUND = types.ErrorCodes.MethodNotFound.value
INVALID_PARAMS = types.ErrorCodes.InvalidParams.value
INTERNAL_ERROR = types.ErrorCodes.InternalError.value
REQUEST_CANCELLED = types.LSPErrorCodes.RequestCancelled.value
REQUEST_FAILED = types.LSPErrorCodes.RequestFailed.value


class Connection(Protocol):
    """What the protocol asks of its transport."""

    def send(self, body: bytes) -> None:
        """Queue a message for the client; returns at once."""

    def stop(self, exit_code: int, reason: str) -> None:
        """End the server; the first call counts."""

    def watch_parent(self, pid: int) -> None:
        """End the server when this process is gone."""


class PylotProtocol(LanguageServerProtocol):
    """The protocol of one connection.

    A handler is a function or an ``async def`` of one argument, the structured params; only the latter can be
    cancelled. Methods that LSP does not know get their params as plain JSON values. Handlers of ``initialize``,
    ``shutdown``, ``$/setTrace`` and ``window/workDoneProgress/cancel`` run beside what is done here; ``exit`` and
    ``$/cancelRequest`` have none. pygls' ``Workspace`` does not exist.

    Attributes:
        position_encoding: as negotiated; set before the handler of ``initialize`` runs.
        translate: a message to the user into his language.
        tell_served: gets the method of each request that goes into work, and "" once it is answered.
    """

    position_encoding: types.PositionEncodingKind = types.PositionEncodingKind.Utf16

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        make_strict(converter)
        super().__init__(server, converter)
        _quieten_pygls()
        self._lifecycle = lifecycle.Lifecycle()
        self._connection: Connection | None = None
        self._in_flight: dict[MessageId, asyncio.Future[Any]] = {}
        self._notified: set[asyncio.Future[Any]] = set()
        self._outgoing = OutgoingRequests(converter, self.get_result_type)
        self.translate: Callable[[str], str] = str
        self.tell_served: Callable[[MessageId, str], None] = lambda _msg_id, _method: None
        self._requests: dict[str, Handler] = {
            types.INITIALIZE: self._initialize,
            types.SHUTDOWN: self._shut_down,
            types.WORKSPACE_EXECUTE_COMMAND: self._execute_command,
        }
        self._notifications: dict[str, Handler] = {
            types.EXIT: self._exit,
            types.CANCEL_REQUEST: self._cancel_request,
            types.SET_TRACE: self._set_trace,
            types.WINDOW_WORK_DONE_PROGRESS_CANCEL: self._cancel_progress,
        }

    def _register_builtin_features(self) -> None:
        """Register none: pygls' own handlers are generators that leak a future each, and keep texts of their own."""

    @property
    def converter(self) -> Converter:
        """From JSON to LSP's types and back."""
        return self._converter

    @property
    def state(self) -> lifecycle.State:
        """Where in its life the server is."""
        return self._lifecycle.state

    @property
    def exit_code(self) -> int:
        """The process's exit code as LSP has it: 0 after ``shutdown`` and ``exit``, else 1."""
        return self._lifecycle.exit_code

    def connect(self, connection: Connection) -> None:
        """Send through ``connection`` from here on."""
        self._connection = connection

    async def close(self, *, timeout_s: float) -> None:
        """Cancel what is in flight either way, and wait at most ``timeout_s`` until the handlers have ended."""
        self._outgoing.close()
        running = {*self._in_flight.values(), *self._notified}
        for task in running:
            _cancel_once(task)
        if running:
            # The callbacks that answer were added before those of this wait, so they have run when it returns.
            await asyncio.wait(running, timeout=timeout_s)

    # From the client

    def handle_fault(self, fault: FramingFault) -> None:
        """Tell the client of a message that could not be read."""
        _log.warning("Unreadable input from the client: %s.", fault.text)
        if not fault.recovered:
            self._refuse(None, PARSE_ERROR, fault.text)

    def handle_message(self, message: Any) -> None:
        """Serve one decoded JSON value from the client; it need not be a message."""
        if isinstance(message, list):
            self._refuse(None, INVALID_REQUEST, "a batch of messages; LSP has none, send one message at a time")
            return
        if not isinstance(message, dict):
            self._refuse(None, INVALID_REQUEST, "a message must be a JSON object")
            return
        method = message.get("method")
        msg_id = message.get("id")
        if "method" not in message and ("result" in message or "error" in message):
            self._outgoing.settle(_valid_id(msg_id), message)
        elif message.get("jsonrpc") != self.VERSION:
            self._refuse(_valid_id(msg_id), INVALID_REQUEST, 'a message must say \'"jsonrpc": "2.0"\'')
        elif not isinstance(method, str):
            self._refuse(_valid_id(msg_id), INVALID_REQUEST, "'method' must be a string")
        elif "id" not in message:
            self._serve_notification(method, message.get("params"))
        elif (valid_id := _valid_id(msg_id)) is None:
            self._refuse(None, INVALID_REQUEST, "the 'id' of a request must be an integer or a string")
        else:
            self._serve_request(valid_id, method, message.get("params"))

    def _serve_request(self, msg_id: MessageId, method: str, params: Any) -> None:
        if msg_id in self._in_flight:
            self._refuse(msg_id, INVALID_REQUEST, "a request with this id is still in flight")
            return
        verdict = self._lifecycle.receive(_REQUEST_KINDS.get(method, lifecycle.Kind.REQUEST))
        if isinstance(verdict, lifecycle.Refuse):
            self._refuse(msg_id, verdict.code, verdict.message)
            return
        if isinstance(verdict, lifecycle.Drop):
            return
        handler = self._requests.get(method) or self.fm.features.get(method)
        if handler is None:
            self._refuse(msg_id, METHOD_NOT_FOUND, f"unknown method {_clipped(method)}")
            return
        try:
            outcome = handler(structure_params(self._converter, method, params))
        except Exception as error:  # noqa: BLE001 a handler may raise anything, and must be answered for
            self._answer_error(msg_id, method, error)
            return
        if not inspect.isawaitable(outcome):
            self._answer(msg_id, method, outcome)
            return
        task = asyncio.ensure_future(outcome)
        self._in_flight[msg_id] = task
        self.tell_served(msg_id, method)
        task.add_done_callback(partial(self._finish_request, msg_id, method))

    def _finish_request(self, msg_id: MessageId, method: str, task: asyncio.Future[Any]) -> None:
        del self._in_flight[msg_id]
        self.tell_served(msg_id, "")
        if task.cancelled():
            self._note_initialized(method, succeeded=False)
            self._refuse(msg_id, REQUEST_CANCELLED, "the request was cancelled")
        elif (error := task.exception()) is not None:
            self._answer_error(msg_id, method, error)
        else:
            self._answer(msg_id, method, task.result())

    def _serve_notification(self, method: str, params: Any) -> None:
        kind = lifecycle.Kind.EXIT if method == types.EXIT else lifecycle.Kind.NOTIFICATION
        if not isinstance(self._lifecycle.receive(kind), lifecycle.Serve):
            _log.debug("Dropped notification %s: the server is %s.", _clipped(method), self.state)
            return
        handler = self._notifications.get(method) or self.fm.features.get(method)
        if handler is None:
            _log.debug("Ignored unknown notification %s.", _clipped(method))
            return
        try:
            outcome = handler(structure_params(self._converter, method, params))
        except InvalidParamsError as error:
            _log.warning("Ignored notification %s: %s.", _clipped(method), error)
        except Exception as error:  # noqa: BLE001 a handler may raise anything; the server goes on
            _log_failure("notification", method, error)
        else:
            if inspect.isawaitable(outcome):
                task = asyncio.ensure_future(outcome)
                self._notified.add(task)
                task.add_done_callback(partial(self._finish_notification, method))

    def _finish_notification(self, method: str, task: asyncio.Future[Any]) -> None:
        self._notified.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log_failure("notification", method, error)

    # Built-in requests and notifications

    def _initialize(self, params: types.InitializeParams) -> Any:
        self._server.process_id = params.process_id
        self.client_capabilities = params.capabilities
        self.trace = params.trace or types.TraceValue.Off
        self.position_encoding = types.PositionEncodingKind(
            ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        )
        outcome = self._call_feature(types.INITIALIZE, params)
        # Without an await the answer is made at once, and a client that sends on without waiting for it is served.
        return self._initialized_after(outcome) if inspect.isawaitable(outcome) else self._initialize_result()

    async def _initialized_after(self, outcome: Awaitable[Any]) -> types.InitializeResult:
        await outcome
        return self._initialize_result()

    def _initialize_result(self) -> types.InitializeResult:
        self.server_capabilities = ServerCapabilitiesBuilder(
            self.client_capabilities,
            set(self.fm.features),
            self.fm.feature_options,
            list(self.fm.commands),
            self._server._text_document_sync_kind,  # noqa: SLF001 pygls keeps the constructor's arguments there
            self._server._notebook_document_sync,  # noqa: SLF001
            self.position_encoding,
        ).build()  # type: ignore[no-untyped-call]
        self.server_capabilities.experimental = EXPERIMENTAL
        return types.InitializeResult(capabilities=self.server_capabilities, server_info=self.server_info)

    def _note_initialized(self, method: str, *, succeeded: bool) -> None:
        if method != types.INITIALIZE:
            return
        self._lifecycle.initialize_answered(succeeded=succeeded)
        if succeeded and self._connection is not None and self._server.process_id is not None:
            self._connection.watch_parent(self._server.process_id)

    def _shut_down(self, params: Any) -> Any:
        for task in self._in_flight.values():
            _cancel_once(task)
        return self._call_feature(types.SHUTDOWN, params)

    def _exit(self, _params: Any) -> None:
        if self._connection is not None:
            self._connection.stop(self.exit_code, "the client sent 'exit'")

    def _cancel_request(self, params: types.CancelParams) -> None:
        msg_id = _valid_id(params.id)
        task = self._in_flight.get(msg_id) if msg_id is not None else None
        if task is not None:
            _cancel_once(task)

    def _set_trace(self, params: types.SetTraceParams) -> Any:
        self.trace = params.value
        return self._call_feature(types.SET_TRACE, params)

    def _cancel_progress(self, params: types.WorkDoneProgressCancelParams) -> Any:
        if (future := self.progress.tokens.get(params.token)) is not None:
            future.cancel()
        return self._call_feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, params)

    def _execute_command(self, params: CommandParams) -> Any:
        command = self.fm.commands.get(params.command)
        if command is None:
            raise InvalidParamsError(f"unknown command {_clipped(params.command)}")
        arguments = params.arguments or ()
        stream = AnswerStream(self.notify, params.partialResultToken, params.workDoneToken)
        return command(*arguments, **bind_arguments(command, arguments, {"stream": stream}))

    def _call_feature(self, method: str, params: Any) -> Any:
        handler = self.fm.features.get(method)
        return None if handler is None else handler(params)

    # To the client

    def notify(self, method: str, params: Any | None = None) -> None:
        """Send a notification."""
        message = {"jsonrpc": self.VERSION, "method": method}
        self._send_data(message if params is None else {**message, "params": params})

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: MessageId | None = None,
    ) -> Future[Any]:
        """Send a request; the future takes the structured answer, or a ``JsonRpcException`` from the client.

        Cancelling the future forgets the request. After the connection has closed it comes back cancelled.
        """
        key = uuid.uuid4().hex if msg_id is None else msg_id
        future = self._outgoing.open(key, method, callback)
        if not future.cancelled():
            message = {"jsonrpc": self.VERSION, "id": key, "method": method}
            self._send_data(message if params is None else {**message, "params": params})
        return future

    def _answer(self, msg_id: MessageId, method: str, result: Any) -> None:
        try:
            body = self._encode({"jsonrpc": self.VERSION, "id": msg_id, "result": result})
        except Exception as error:  # noqa: BLE001 a result that cannot be sent is the handler's failure
            self._answer_error(msg_id, method, error)
            return
        # First, so that what the client sends on seeing the answer is served.
        self._note_initialized(method, succeeded=True)
        self._send_body(body)

    def _answer_error(self, msg_id: MessageId, method: str, error: BaseException) -> None:
        self._note_initialized(method, succeeded=False)
        if isinstance(error, JsonRpcException):
            self._refuse(msg_id, error.code, error.message)
        elif isinstance(error, InvalidParamsError):
            self._refuse(msg_id, INVALID_PARAMS, str(error))
        elif isinstance(error, PylotError):
            _log.info("Request %s failed: %s", _clipped(method), error)
            self._refuse(msg_id, REQUEST_FAILED, self.translate(text_of(error)))
        elif isinstance(error, asyncio.CancelledError):
            self._refuse(msg_id, REQUEST_CANCELLED, "the request was cancelled")
        else:
            _log_failure("request", method, error)
            self._refuse(msg_id, INTERNAL_ERROR, f"internal error ({type(error).__name__}); see the server's log")

    def _refuse(self, msg_id: MessageId | None, code: int, message: str) -> None:
        self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "error": {"code": code, "message": message}})

    def _encode(self, message: dict[str, Any]) -> bytes:
        # Escaped to ASCII, so that no lone surrogate can break the stream.
        plain = self._converter.unstructure(message)
        return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode("ascii")

    def _send_data(self, data: dict[str, Any]) -> None:
        self._send_body(self._encode(data))

    def _send_body(self, body: bytes) -> None:
        if self._connection is not None:
            self._connection.send(body)


_REQUEST_KINDS = {types.INITIALIZE: lifecycle.Kind.INITIALIZE, types.SHUTDOWN: lifecycle.Kind.SHUTDOWN}
_MAX_NAME_CHARACTERS = 100


def _quieten_pygls() -> None:
    """Keep pygls from logging registrations and messages, unless logging was set up to want that."""
    logger = logging.getLogger("pygls")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)


def _valid_id(value: Any) -> MessageId | None:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _cancel_once(task: asyncio.Future[Any]) -> None:
    # A second cancel would break off the handler's own cleaning up.
    if not (isinstance(task, asyncio.Task) and task.cancelling()):
        task.cancel()


def _clipped(name: str) -> str:
    return repr(name[:_MAX_NAME_CHARACTERS])


def _log_failure(what: str, method: str, error: BaseException) -> None:
    if isinstance(error, PylotError):
        _log.warning("A %s failed: %s: %s", what, _clipped(method), error)
    else:
        _log.error("A %s failed: %s", what, _clipped(method), exc_info=error)
