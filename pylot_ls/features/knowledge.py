"""The engine knows the open documents: what stands in them says what may be typed next.

What is secret, or may be as far as is known, is known for suggestions in itself alone.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.engine import Engine
    from pylot_ls.text.document import Document

# A document that rests for so long is learnt as it is; what is typed just now stands in the prompt.
_REST_S = 2.0
# Of a longer one, which is generated or data, this is learnt.
_MOST_CHARACTERS = 300_000


class Knowledge:
    """Has the documents of a session learnt when they are opened and when they rest after edits.

    Args:
        document: an open document as it is now; None where it is not open, or not one to learn.
        may_be_drawn_on: whether what stands in a document may be suggested in others, as far as it is known.
        engine: the session's.
    """

    def __init__(
        self,
        document: Callable[[str], Document | None],
        may_be_drawn_on: Callable[[str], bool],
        engine: Callable[[], Engine],
    ) -> None:
        self._document = document
        self._may_be_drawn_on = may_be_drawn_on
        self._engine = engine
        self._resting: dict[str, asyncio.TimerHandle] = {}
        # What was learnt, and whether others may draw on it.
        self._learnt: dict[str, bool] = {}

    def opened(self, uri: str, found_out: asyncio.Future[None]) -> None:
        """A document was opened; once ``found_out`` is done it is known whether others may draw on it."""
        self._learn(uri)
        found_out.add_done_callback(partial(self._found_out, uri))

    def rules_saved(self) -> None:
        """On which documents others may draw may be another answer now."""
        for uri in tuple(self._learnt):
            self._review(uri)

    def edited(self, uri: str) -> None:
        """A document was edited."""
        self._stop_waiting(uri)
        self._resting[uri] = asyncio.get_running_loop().call_later(_REST_S, self._learn, uri)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._stop_waiting(uri)
        self._learnt.pop(uri, None)
        self._engine().learn(uri, None)

    def close(self) -> None:
        """The session ends."""
        for uri in list(self._resting):
            self._stop_waiting(uri)

    def _stop_waiting(self, uri: str) -> None:
        handle = self._resting.pop(uri, None)
        if handle is not None:
            handle.cancel()

    def _found_out(self, uri: str, question: asyncio.Future[None]) -> None:
        if not question.cancelled():  # the session goes on
            self._review(uri)

    def _review(self, uri: str) -> None:
        """Have a document learnt again where others may draw on it as they might not before, or the other way round."""
        if self._learnt.get(uri) not in {None, self._may_be_drawn_on(uri)}:
            self._learn(uri)

    def _learn(self, uri: str) -> None:
        self._resting.pop(uri, None)
        document = self._document(uri)
        if document is not None:
            shared = self._learnt[uri] = self._may_be_drawn_on(uri)
            learn(document, self._engine(), own_only=not shared)


def learn(document: Document, engine: Engine, *, own_only: bool = True) -> None:
    """Have a document learnt as it is now; with ``own_only`` no suggestion in another one draws on it."""
    engine.learn(document.uri, with_line_feeds(document.text.slice(0, _MOST_CHARACTERS)), own_only=own_only)
