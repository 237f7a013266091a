"""What follows a suggestion is generated while that is on the screen, as if it were accepted."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pylot_ls.features.completion import Completion, CompletionOptions, Suggestion
    from pylot_ls.features.live import LiveSuggestions, Place
    from pylot_ls.text.document import Document

_log = logging.getLogger(__name__)


class AskAhead(Protocol):
    """Asks the model in the background about a document as it may become."""

    def __call__(self, document: Document, offset: int, options: CompletionOptions) -> Coroutine[Any, Any, Completion]:
        """See ``complete``."""


class LookAhead:
    """Looks one suggestion ahead, at one place at a time.

    Args:
        live: what is known, and where to put what is found.
        ask: asks the model.
        keep: runs something for as long as the session lives.
    """

    def __init__(
        self,
        live: LiveSuggestions,
        ask: AskAhead,
        keep: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._live = live
        self._ask = ask
        self._keep = keep
        self._work: tuple[Place, asyncio.Task[None]] | None = None

    def begin(self, document: Document, suggestion: Suggestion, options: CompletionOptions) -> None:
        """A suggestion is on the screen, or what is left of one, for which what was begun goes on."""
        found = self._live.find(document, suggestion.offset, options)
        if found is None or not found.place.leads_on:
            return
        self.stop()
        found.place.leads_on = False
        self._work = found.place, self._keep(self._prepare(document, suggestion, options))

    def stop(self) -> None:
        """The model is wanted for something else, or the suggestion is gone."""
        if self._work is None:
            return
        (source, task), self._work = self._work, None
        if not task.done():
            source.leads_on = True
            task.cancel()

    async def _prepare(self, document: Document, suggestion: Suggestion, options: CompletionOptions) -> None:
        offset, uri = suggestion.offset, document.uri
        place = self._live.begin(document, offset, options, suggestion.text)
        text = document.text.replace(offset, offset, suggestion.text)
        try:
            completion = await self._ask(replace(document, text=text), offset + len(suggestion.text), options)
        except asyncio.CancelledError:
            self._live.discard(uri, place)
            raise
        except PylotError as error:
            # Whoever gets there asks again.
            _log.info("could not look ahead: %s", error)
            self._live.discard(uri, place)
            return
        place.plan = completion.plan
        self._live.settle(uri, place, completion)
