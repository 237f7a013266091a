"""The engine as asyncio sees it: requests in, an asynchronous stream of events out."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from pylot_ls import errors
from pylot_ls.engine.prompt_types import Prompt, TextSegment, TokensSegment
from pylot_ls.engine.types import (
    Embedded,
    Event,
    Failed,
    Finished,
    GenerateRequest,
    Hole,
    KnownText,
    LoadFailed,
    Loading,
    ModelInfo,
    Priority,
    Ready,
    Rendered,
    StateEvent,
    Token,
)
from pylot_ls.engine.wakeup import Wakeup
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from pylot_ls.engine.backend import Backend
    from pylot_ls.engine.memory_plan import MemoryPlan
    from pylot_ls.engine.types import RequestEvent, Sampling, Usage

GenerationEvent = Token | Finished
_Answer = TypeVar("_Answer", Embedded, Rendered)

_CLOSED = Message("the engine was closed")


class Engine:
    """Carries requests to a backend and its events back to the event loop.

    All methods are called on the loop that called ``start``; the backend's thread only ever hands events over.

    Attributes:
        state: of the model.
        background_tokens: tokens evaluated or decoded so far for requests that nobody was waiting for.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._wakeup: Wakeup | None = None
        self._streams: dict[str, asyncio.Queue[RequestEvent]] = {}
        self._listeners: list[Callable[[StateEvent], None]] = []
        self._settled = asyncio.Event()
        self._ids = itertools.count(1)
        self._closed = False
        self._background: set[str] = set()
        # The events of one evaluation wake the loop once: a call to it costs as much as choosing a token does.
        self._arrived: deque[Event] = deque()
        self._is_awaited = False
        self.state: StateEvent = Loading(0.0)
        self.background_tokens = 0

    def start(self) -> None:
        """Begin to load the model; returns at once."""
        self._wakeup = Wakeup(asyncio.get_running_loop(), self._receive_all)
        self._backend.start(self._hand_over)

    def listen(self, listener: Callable[[StateEvent], None]) -> None:
        """Call ``listener`` with the state as it is now and at each change."""
        self._listeners.append(listener)
        listener(self.state)

    async def ready(self) -> ModelInfo:
        """Wait for the model.

        Raises:
            ModelError: it cannot be loaded.
            EngineClosedError: the engine was closed.
        """
        await self._settled.wait()
        if self._closed:
            raise errors.EngineClosedError(_CLOSED)
        if isinstance(self.state, LoadFailed):
            raise _error(self.state.kind, self.state.message)
        if isinstance(self.state, Ready):
            return self.state.info
        raise errors.EngineError(Message("the model is being loaded again; ask once more"))

    def expect_again(self) -> None:
        """What is known of the model does not count any more: it is about to be loaded again."""
        if not self._closed:
            self._receive(Loading(0.0))

    @property
    def plan(self) -> MemoryPlan | None:
        """What the model was given of the memory; None where it takes none, or is not loaded."""
        return self.state.plan if isinstance(self.state, Ready) else None

    def generate(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        stop: tuple[str, ...] = (),
        priority: Priority = Priority.KEYSTROKE,
        session: str = "",
        keep: bool = True,
        heal: bool = False,
        fallbacks: tuple[Prompt, ...] = (),
        budget_ms: float = math.inf,
        rank: int = 0,
        hole: Hole | None = None,
        grammar: str = "",
        sampling: Sampling | None = None,
        n_alternatives: int = 0,
        salt: str = "",
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Continue a prompt; the last event is ``Finished``. Closing the generator cancels the request.

        The other arguments are those of ``GenerateRequest``.

        Raises:
            PylotError: the request, or the engine, failed.
        """
        request = GenerateRequest(
            str(next(self._ids)),
            prompt,
            max_tokens,
            stop,
            priority,
            session,
            keep,
            heal,
            fallbacks=fallbacks,
            budget_ms=budget_ms,
            rank=rank,
            hole=hole,
            grammar=grammar,
            sampling=sampling,
            n_alternatives=n_alternatives,
            salt=salt,
        )
        return self._serve(request)

    async def _serve(self, request: GenerateRequest) -> AsyncGenerator[GenerationEvent, None]:
        async with contextlib.aclosing(self._events(request)) as events:
            async for event in events:
                if not isinstance(event, Embedded | Rendered):
                    yield event

    async def _events(self, request: GenerateRequest) -> AsyncGenerator[GenerationEvent | Embedded | Rendered, None]:
        if self._closed:
            raise errors.EngineClosedError(_CLOSED)
        request_id = request.request_id
        stream = self._streams[request_id] = asyncio.Queue()
        if request.priority is Priority.BACKGROUND:
            self._background.add(request_id)
        self._backend.submit(request)
        finished = False
        try:
            while not finished:
                event = await stream.get()
                finished = not isinstance(event, Token)
                if isinstance(event, Failed):
                    raise _error(event.kind, event.message)
                yield event
        finally:
            self._streams.pop(request_id, None)
            if not finished:
                self._backend.cancel(request_id)

    async def prefill(self, prompt: Prompt, *, session: str = "", keep: bool = True, salt: str = "") -> Usage:
        """Evaluate a prompt in the background, so that a request that begins with it finds its KV.

        Raises:
            PylotError: the request, or the engine, failed.
        """
        return await _usage_of(
            self.generate(prompt, max_tokens=0, priority=Priority.BACKGROUND, session=session, keep=keep, salt=salt)
        )

    async def restore(self, prompt: Prompt, *, session: str = "", salt: str = "") -> Usage:
        """Put back what was kept of a prompt's KV, with nothing evaluated and nobody kept waiting.

        Raises:
            PylotError: the request, or the engine, failed.
        """
        request = GenerateRequest(
            str(next(self._ids)),
            prompt,
            0,
            priority=Priority.BACKGROUND,
            session=session,
            restore_only=True,
            salt=salt,
        )
        return await _usage_of(self._serve(request))

    def learn(self, text_id: str, text: str | None, *, session: str = "", own_only: bool = False) -> None:
        """Take note of a text for the requests of a session that name a hole; None forgets it.

        ``own_only``: for those alone whose hole is in it.
        """
        if not self._closed:
            self._backend.learn(KnownText(session, text_id, text, own_only))

    async def embed(
        self, texts: Sequence[str], *, priority: Priority = Priority.BACKGROUND, session: str = ""
    ) -> tuple[bytes, ...]:
        """A vector for each text, of length 1, as little-endian 32-bit floats; only a model of the role embed has any.

        What is longer than the model sees at once is cut. Cancelling the coroutine ends the request.

        Raises:
            PylotError: the request, or the engine, failed.
        """
        return (await self.embedded(texts, priority=priority, session=session)).vectors if texts else ()

    async def embedded(
        self,
        texts: Sequence[str | tuple[int, ...]],
        *,
        priority: Priority = Priority.BACKGROUND,
        session: str = "",
    ) -> Embedded:
        """As ``embed``, with what it cost; a text may be given as all of its tokens, and there is at least one.

        Raises:
            PylotError: the request, or the engine, failed.
        """
        prompt = tuple(TextSegment(text) if isinstance(text, str) else TokensSegment(text) for text in texts)
        request = GenerateRequest(
            str(next(self._ids)), prompt, 0, priority=priority, session=session, keep=False, embeds=True
        )
        return await self._answer(request, Embedded)

    async def tokenize(self, prompt: Prompt, *, session: str = "") -> tuple[int, ...]:
        """The tokens of a prompt, of which nothing is evaluated; other requests go on.

        Raises:
            PylotError: the prompt is none for this model, or the engine failed.
        """
        return (await self.rendered(prompt, session=session)).tokens

    async def pieces(self, tokens: Sequence[int], *, session: str = "") -> tuple[bytes, ...]:
        """The bytes of each token, of special tokens those that they are written with; a character may take several.

        Raises:
            PylotError: there is no such token, or the engine failed.
        """
        return (await self.rendered((TokensSegment(tuple(tokens)),), session=session)).pieces

    async def rendered(self, prompt: Prompt, *, session: str = "") -> Rendered:
        """The tokens of a prompt and the bytes of each.

        Raises:
            PylotError: the prompt is none for this model, or the engine failed.
        """
        request = GenerateRequest(
            str(next(self._ids)),
            prompt,
            0,
            priority=Priority.BACKGROUND,
            session=session,
            keep=False,
            renders=True,
        )
        return await self._answer(request, Rendered)

    async def _answer(self, request: GenerateRequest, kind: type[_Answer]) -> _Answer:
        """The one event that a request is answered with."""
        async with contextlib.aclosing(self._events(request)) as events:
            async for event in events:
                if isinstance(event, kind):
                    return event
        raise errors.EngineClosedError(_CLOSED)

    async def close(self) -> None:
        """End all requests and free the model."""
        self._closed = True
        self._settled.set()
        await asyncio.to_thread(self._backend.close)
        if self._wakeup is not None:
            # What the backend has said to the end is still to be told.
            self._receive_all()
            self._wakeup.close()

    def _hand_over(self, event: Event) -> None:
        """Called on the backend's thread."""
        self._arrived.append(event)
        if self._wakeup is not None and not self._is_awaited:
            self._is_awaited = True
            self._wakeup.wake()

    def _receive_all(self) -> None:
        # First: what arrives from here on either is taken below or wakes the loop again.
        self._is_awaited = False
        while self._arrived:
            self._receive(self._arrived.popleft())

    def _receive(self, event: Event) -> None:
        if isinstance(event, Loading | Ready | LoadFailed):
            if self._closed:
                return  # a load that was broken off is no news
            self.state = event
            if isinstance(event, Loading):
                self._settled.clear()  # it may be loaded again
            else:
                self._settled.set()
            for listener in self._listeners:
                listener(event)
            return
        if not isinstance(event, Token) and event.request_id in self._background:
            self._background.discard(event.request_id)
            if isinstance(event, Finished):
                self.background_tokens += event.usage.tokens_evaluated + max(0, event.usage.tokens_decoded - 1)
        # A stream that nobody reads any more is no longer in the table.
        stream = self._streams.get(event.request_id)
        if stream is not None:
            stream.put_nowait(event)


async def _usage_of(generation: AsyncGenerator[GenerationEvent, None]) -> Usage:
    """What a request cost in the end."""
    async with contextlib.aclosing(generation) as events:
        return [event.usage async for event in events][-1]


def _error(kind: str, message: str) -> errors.PylotError:
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, errors.PylotError):
        return found(message)
    return errors.EngineError(message)
