"""Where the answer to a question comes from: what is live, what is being decoded, or else the model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pylot_ls.engine.types import Usage
from pylot_ls.features.completion import Completion, complete
from pylot_ls.features.live import LiveSuggestions
from pylot_ls.features.look_ahead import LookAhead
from pylot_ls.features.underway import Underway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from pylot_ls.engine.engine import Engine
    from pylot_ls.features.anchors import Anchors
    from pylot_ls.features.completion import CompletionOptions, Generated, Suggestion
    from pylot_ls.features.live import Found
    from pylot_ls.text.document import Document


class Answers:
    """Answers the questions of a session, one at a time: a new one ends the work of the one before or goes on with it.

    Args:
        anchors: of the session's documents.
        engine: the engine, which is there when a question is asked.
        known: awaited before the model is asked about a document: where it stands is known then.
        may_be_kept: whether what is evaluated of a document may be kept beyond the process.
        keep: runs something for as long as the session lives.
    """

    def __init__(
        self,
        anchors: Anchors,
        engine: Callable[[], Engine],
        known: Callable[[str, Engine], Awaitable[None]],
        may_be_kept: Callable[[str], bool],
        keep: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._anchors = anchors
        self._engine = engine
        self._known = known
        self._may_be_kept = may_be_kept
        self._live = LiveSuggestions()
        self._ahead = LookAhead(self._live, partial(self._ask, ahead=True), keep)
        self._decoding: Underway | None = None
        # The question for which it is decoded: the last one that went on with it.
        self._question: asyncio.Task[Completion] | None = None

    def begin(self, document: Document, offset: int, options: CompletionOptions) -> asyncio.Task[Completion]:
        """The answer; cancelling it ends the work, unless a question after it goes on with that.

        What becomes of the work before is decided at once: it ends before the model is asked anew, and is not ended by
        the question before if it goes on.
        """
        found = self._live.find(document, offset, options)
        running = self._decoding if self._decoding is not None and not self._decoding.task.done() else None
        goes_on = (
            running is not None and found is None and self._live.is_along(running.place, document, offset, options)
        )
        if running is not None and not goes_on:
            running.task.cancel()
        if found is not None:
            return asyncio.ensure_future(self._of_live(document.uri, found))
        self._ahead.stop()
        work = self._go_on(running.task, document, offset, options) if running is not None and goes_on else None
        question = self._question = asyncio.ensure_future(work or self._decode(document, offset, options))
        question.add_done_callback(self._end)
        return question

    async def in_time(
        self, whole: asyncio.Task[Completion], patience_ms: float, document: Document, offset: int
    ) -> Completion:
        """The whole answer to a question, or after some time what there is of it, once that is something.

        The work goes on then, and who types along gets the rest; cancelling this does not end it.
        """
        await asyncio.wait({whole}, timeout=patience_ms / 1000)
        part = asyncio.ensure_future(self._part(document, offset))
        try:
            await asyncio.wait({whole, part}, return_when=asyncio.FIRST_COMPLETED)
            found = None if whole.done() else part.result()
            return await asyncio.shield(whole) if found is None else found
        finally:
            part.cancel()

    async def _part(self, document: Document, offset: int) -> Completion | None:
        """What could be shown of what is being decoded, as soon as that is something; None where it never is."""
        while (underway := self._decoding) is not None and not underway.task.done():
            completion = await underway.part()
            if completion.suggestion is not None:
                rest = self._live.rest(underway.place, completion.shown, document, offset)
                if rest is not None:
                    return replace(completion, suggestion=rest, is_part=True)
            await underway.more()
        return None

    def shown(self, document: Document, suggestion: Suggestion, options: CompletionOptions) -> None:
        """A suggestion is on the screen and the user thinks: prepare what follows it."""
        self._ahead.begin(document, suggestion, options)

    def prefer(self, document: Document, suggestion: Suggestion) -> None:
        """The user would rather see this one of the suggestions for its place."""
        self._ahead.stop()
        self._live.prefer(document, suggestion)

    def stop_looking_ahead(self) -> None:
        """What was on the screen is gone."""
        self._ahead.stop()

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._ahead.stop()
        self._live.forget(uri)

    async def _of_live(self, uri: str, found: Found) -> Completion:
        plan, found.place.plan = found.place.plan, None
        if plan is not None:
            # Until now nobody was where this was asked for.
            self._anchors.follow(uri, plan, self._engine(), keep=self._may_be_kept(uri))
        return Completion(found.suggestion, Usage(), is_live=True, others=found.others)

    def _end(self, question: asyncio.Task[Completion]) -> None:
        """Where nobody waits any more, nothing is decoded."""
        if question.cancelled() and question is self._question and self._decoding is not None:
            self._decoding.task.cancel()

    async def _decode(self, document: Document, offset: int, options: CompletionOptions) -> Completion:
        underway = Underway(self._live.begin(document, offset, options), document, offset)
        task = underway.task = asyncio.ensure_future(self._fill(underway, options))
        # A failure is raised to the one who waits; when nobody does, it must not be reported as never retrieved.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._decoding = underway
        return await asyncio.shield(task)

    async def _go_on(
        self, task: asyncio.Task[Completion], document: Document, offset: int, options: CompletionOptions
    ) -> Completion:
        completion = await asyncio.shield(task)
        found = self._live.find(document, offset, options)
        if found is not None:
            return Completion(found.suggestion, completion.usage, others=found.others)
        return await self._decode(document, offset, options)

    async def _fill(self, underway: Underway, options: CompletionOptions) -> Completion:
        """Ask the model about a place, and put there what it says."""
        place, document = underway.place, underway.document
        try:
            completion = await self._ask(document, underway.offset, options, on_text=underway.hear)
        except BaseException:
            self._live.discard(document.uri, place)
            raise
        self._live.settle(document.uri, place, completion)
        return completion

    async def _ask(
        self,
        document: Document,
        offset: int,
        options: CompletionOptions,
        *,
        ahead: bool = False,
        on_text: Callable[[Generated], None] = lambda _generated: None,
    ) -> Completion:
        uri, engine = document.uri, self._engine()
        await self._known(uri, engine)
        return await complete(
            document,
            offset,
            engine,
            options,
            self._anchors,
            keep=self._may_be_kept(uri),
            ahead=ahead,
            on_text=on_text,
        )
