"""The engine knows the open documents: what stands in them says what may be typed next."""

from __future__ import annotations

import asyncio
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
        engine: the session's.
    """

    def __init__(self, document: Callable[[str], Document | None], engine: Callable[[], Engine]) -> None:
        self._document = document
        self._engine = engine
        self._resting: dict[str, asyncio.TimerHandle] = {}

    def opened(self, uri: str) -> None:
        """A document was opened."""
        self._learn(uri)

    def edited(self, uri: str) -> None:
        """A document was edited."""
        self._stop_waiting(uri)
        self._resting[uri] = asyncio.get_running_loop().call_later(_REST_S, self._learn, uri)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._stop_waiting(uri)
        self._engine().learn(uri, None)

    def close(self) -> None:
        """The session ends."""
        for uri in list(self._resting):
            self._stop_waiting(uri)

    def _stop_waiting(self, uri: str) -> None:
        handle = self._resting.pop(uri, None)
        if handle is not None:
            handle.cancel()

    def _learn(self, uri: str) -> None:
        self._resting.pop(uri, None)
        document = self._document(uri)
        if document is not None:
            learn(document, self._engine())


def learn(document: Document, engine: Engine) -> None:
    """Have a document learnt as it is now."""
    engine.learn(document.uri, with_line_feeds(document.text.slice(0, _MOST_CHARACTERS)))
