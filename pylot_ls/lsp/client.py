"""The other side: the real server as a child process, driven the way an editor drives it.

The demo and the benchmarks stand on this, so that what they show went through the whole server.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from pylot_ls import __version__
from pylot_ls.errors import ClientError
from pylot_ls.lsp.capabilities import STATS_CAPABILITY
from pylot_ls.lsp.handlers.suggestions import STATS_METHOD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

_CLOSE_TIMEOUT_S = 10.0
# Lines of the server's stderr that are shown when it ends unexpectedly.
_N_LAST_WORDS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one keystroke.

    Attributes:
        text: the suggestion, "" for none.
        elapsed_ms: from sending the edit to having the answer.
        tokens_evaluated, tokens_reused, tokens_decoded: as the engine counted them.
        fallback: 0 where the whole prompt was used, else which smaller one.
        first_token_ms: in the engine, from the request to its first token; 0 when there was none.
        total_ms: in the engine, from the request to its last token.
        confidence: the server's in the suggestion, 0 to 1; None where it gave none.
        background_tokens: evaluated by the server since it was started for nobody who waited.
        typed_through: whether an earlier suggestion was typed along, so that the model was not asked.
    """

    text: str
    elapsed_ms: float
    tokens_evaluated: int = 0
    tokens_reused: int = 0
    tokens_decoded: int = 0
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    confidence: float | None = None
    background_tokens: int = 0
    fallback: int = 0
    typed_through: bool = False

    @property
    def first_result_ms(self) -> float:
        """In the engine, from the request to its first token or to knowing that there is none.

        Without the latter, prompts that took long to evaluate would go uncounted where the model has nothing to say.
        """
        return self.first_token_ms or self.total_ms


class EditorClient:
    """One editor window with one document or several. Columns are characters (UTF-32 is negotiated).

    What is typed and asked goes to the document that was opened last, unless another one is named.

    Args:
        command: how to start the server.
        environment: variables besides this process's own.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._command = tuple(command)
        # What is simulated here is nothing that a user accepted.
        self._environment = {**os.environ, "PYLOT_LS_FEEDBACK_ENABLED": "false", **(environment or {})}
        self._client = LanguageClient("pylot-ls-client", __version__)
        self._usage: dict[str, Any] = {}
        self._confidence: float | None = None
        self._background_tokens = 0
        self._is_live = False
        self._loaded = asyncio.Event()
        self._messages: list[str] = []
        self._last_words: deque[str] = deque(maxlen=_N_LAST_WORDS)
        self._uri = ""
        self._versions: dict[str, int] = {}
        self._listen()

    async def __aenter__(self) -> Self:
        """Start the server and initialize it."""
        try:
            await self._client.start_io(*self._command, env=self._environment)
        except OSError as error:
            raise ClientError(f"cannot start the server {self._command[0]}: {error.strerror}") from error
        self._draining = asyncio.ensure_future(self._drain_stderr())
        await self._answer_of(self._client.initialize_async(_initialize_params()), "initialize")
        self._client.initialized(types.InitializedParams())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Shut the server down."""
        if not self._client.stopped:
            try:
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self._client.shutdown_async(None)
                    self._client.exit(None)
                    await self._client.stop()  # type: ignore[no-untyped-call]
            except TimeoutError:
                self._kill()

    async def loaded(self) -> None:
        """Wait until the server has loaded its model.

        Raises:
            ClientError: the server ended, or said that it has no model.
        """
        await self._answer_of(self._loaded.wait(), "loading the model")
        if self._messages:
            raise ClientError(self._messages[-1])

    @property
    def pid(self) -> int:
        """The server's process id; 0 before it is started."""
        return self._process.pid if self._process is not None else 0

    def open(self, uri: str, language_id: str, text: str) -> None:
        """Open a document."""
        self._uri, self._versions[uri] = uri, 1
        item = types.TextDocumentItem(uri, language_id, 1, text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def close(self, uri: str) -> None:
        """Close a document."""
        del self._versions[uri]
        document = types.TextDocumentIdentifier(uri)
        self._client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    def edit(self, start: tuple[int, int], end: tuple[int, int], text: str, uri: str | None = None) -> None:
        """Replace a range, as a keystroke or an accepted suggestion does. Places are (line, column) from 0."""
        uri = uri or self._uri
        self._versions[uri] += 1
        change = types.TextDocumentContentChangePartial(
            range=types.Range(types.Position(*start), types.Position(*end)),
            text=text,
        )
        document = types.VersionedTextDocumentIdentifier(version=self._versions[uri], uri=uri)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def type(
        self,
        start: tuple[int, int],
        end: tuple[int, int],
        text: str,
        cursor: tuple[int, int],
        uri: str | None = None,
    ) -> Answer:
        """Replace a range, as a keystroke does, and ask at the cursor at once. Places are (line, column) from 0."""
        began = time.perf_counter()
        self.edit(start, end, text, uri)
        return await self.ask(cursor, uri, began)

    async def ask(
        self,
        cursor: tuple[int, int],
        uri: str | None = None,
        began: float | None = None,
        *,
        invoked: bool = False,
    ) -> Answer:
        """Ask for a suggestion at the cursor; ``began`` is when the keystroke was, on the performance counter.

        ``invoked``: the user asks by hand; of several suggestions the first is told.
        """
        began = time.perf_counter() if began is None else began
        self._usage, self._confidence, self._background_tokens = {}, None, 0
        self._is_live = False
        kinds = types.InlineCompletionTriggerKind
        kind = kinds.Invoked if invoked else kinds.Automatic
        params = types.InlineCompletionParams(
            context=types.InlineCompletionContext(kind),
            text_document=types.TextDocumentIdentifier(uri or self._uri),
            position=types.Position(*cursor),
        )
        answer = await self._answer_of(
            self._client.text_document_inline_completion_async(params),
            "textDocument/inlineCompletion",
        )
        elapsed_ms = (time.perf_counter() - began) * 1000
        items = answer.items if isinstance(answer, types.InlineCompletionList) else (answer or [])
        usage = self._usage
        return Answer(
            text=str(items[0].insert_text) if items else "",
            elapsed_ms=elapsed_ms,
            tokens_evaluated=usage.get("tokens_evaluated", 0),
            tokens_reused=usage.get("tokens_reused", 0),
            tokens_decoded=usage.get("tokens_decoded", 0),
            first_token_ms=usage.get("first_token_ms", 0.0),
            total_ms=usage.get("total_ms", 0.0),
            confidence=self._confidence,
            background_tokens=self._background_tokens,
            fallback=usage.get("fallback", 0),
            typed_through=self._is_live,
        )

    async def actions(self, cursor: tuple[int, int], uri: str | None = None) -> tuple[int, float]:
        """Ask which code actions there are at the cursor: how many, and the milliseconds until that was known."""
        place = types.Position(*cursor)
        context = types.CodeActionContext([], trigger_kind=types.CodeActionTriggerKind.Invoked)
        document = types.TextDocumentIdentifier(uri or self._uri)
        params = types.CodeActionParams(document, types.Range(place, place), context)
        began = time.perf_counter()
        answer = await self._answer_of(self._client.text_document_code_action_async(params), "textDocument/codeAction")
        return len(answer or ()), (time.perf_counter() - began) * 1000

    async def _answer_of(self, answer: Awaitable[Any], what: str) -> Any:
        """An answer, or ClientError when the server ends first or refuses."""
        waiting = asyncio.ensure_future(answer)
        ended = asyncio.ensure_future(self._ended())
        await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        waiting.cancel()
        if self._process is not None and self._process.returncode is not None:
            await self._draining
            raise ClientError("\n".join((f"the server ended during {what}", *self._last_words)))
        try:
            return waiting.result()
        except Exception as error:
            raise ClientError(f"the server answered {what} with an error: {error}") from error

    async def _ended(self) -> None:
        if self._process is not None:
            await self._process.wait()

    async def _drain_stderr(self) -> None:
        """Read what the server writes there, so that it never has to wait for a reader."""
        stream = self._process.stderr if self._process else None
        while stream is not None and (line := await stream.readline()):
            self._last_words.append(line.decode("utf-8", errors="replace").rstrip())

    @property
    def _process(self) -> asyncio.subprocess.Process | None:
        return self._client._server  # noqa: SLF001 - pygls gives no other way to the child

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _listen(self) -> None:
        handlers: dict[str, Callable[[Any], object]] = {
            types.WINDOW_WORK_DONE_PROGRESS_CREATE: lambda _params: None,
            types.PROGRESS: self._on_progress,
            types.WINDOW_SHOW_MESSAGE: self._on_message,
            types.WORKSPACE_CONFIGURATION: lambda params: [None] * len(params.items),
            STATS_METHOD: self._on_stats,
        }
        for method, handler in handlers.items():
            # pygls marks what it registers, which a bound method does not allow.
            self._client.feature(method)(partial(handler))

    def _on_progress(self, params: types.ProgressParams) -> None:
        if isinstance(params.value, dict) and params.value.get("kind") == "end":
            self._loaded.set()

    def _on_message(self, params: types.ShowMessageParams) -> None:
        if params.type == types.MessageType.Error:
            self._messages.append(params.message)

    def _on_stats(self, params: Any) -> None:
        # pygls gives the parameters of a method it does not know as named tuples.
        self._usage = params.usage._asdict()
        self._confidence = getattr(params, "confidence", None)
        self._background_tokens = getattr(params, "background_tokens", 0)
        self._is_live = getattr(params, "is_live", False)


def _initialize_params() -> types.InitializeParams:
    return types.InitializeParams(
        process_id=os.getpid(),
        capabilities=types.ClientCapabilities(
            general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf32]),
            text_document=types.TextDocumentClientCapabilities(
                inline_completion=types.InlineCompletionClientCapabilities(),
            ),
            window=types.WindowClientCapabilities(work_done_progress=True),
            experimental={STATS_CAPABILITY: True},
        ),
    )
