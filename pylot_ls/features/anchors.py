"""The anchors of a session's documents: kept from keystroke to keystroke, replaced in the background."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.engine import Engine
    from pylot_ls.prompts.anchor import Anchor
    from pylot_ls.prompts.plan import Plan

_log = logging.getLogger(__name__)

# Of each document so many are remembered: an undo leads back to the one before.
_MOST_REMEMBERED = 3


@dataclass(frozen=True, slots=True)
class LastPrompt:
    """The last prompt that was evaluated on an anchor.

    Attributes:
        cursor: where it was, an offset in characters.
    """

    anchor: Anchor
    cursor: int


class Anchors:
    """Remembers on which frozen prompt each document stands.

    When a plan names a successor, its prompt is evaluated with the lowest priority, and it takes over once that is
    done: the keystroke after it finds its KV. One at a time for each document.

    Args:
        session: whose requests these are.

    Attributes:
        on_change: called with the URI of a document that stands on another anchor now.
    """

    def __init__(self, session: str = "") -> None:
        self._session = session
        self.on_change: Callable[[str], None] = lambda _uri: None
        self._prompts: dict[str, tuple[LastPrompt, ...]] = {}
        self._preparing: dict[str, asyncio.Task[None]] = {}

    def of(self, uri: str) -> Anchor | None:
        """The anchor of a document; None where it has none yet."""
        return next((each.anchor for each in self.last_prompts(uri)), None)

    def earlier(self, uri: str) -> tuple[Anchor, ...]:
        """The anchors that a document stood on before, the last one first."""
        return tuple(each.anchor for each in self.last_prompts(uri)[1:])

    def last_prompts(self, uri: str) -> tuple[LastPrompt, ...]:
        """The last prompts of a document, that of its anchor first."""
        return self._prompts.get(uri, ())

    @property
    def uris(self) -> tuple[str, ...]:
        """The documents that have an anchor."""
        return tuple(self._prompts)

    def recall(self, uri: str, prompts: tuple[LastPrompt, ...]) -> bool:
        """Let a document stand where it stood before it was closed; False where there is nothing, or it stands."""
        if not prompts or uri in self._prompts:
            return False
        self._prompts[uri] = prompts[:_MOST_REMEMBERED]
        return True

    def follow(self, uri: str, plan: Plan, engine: Engine, *, keep: bool) -> None:
        """Stand on the plan's anchor, and prepare the successor if it has one.

        ``keep``: whether what is evaluated of the document may be kept beyond the process.
        """
        if self.of(uri) != plan.anchor:
            # Whatever is being prepared was to follow another one.
            self._stop_preparing(uri)
        self._stand_on(uri, LastPrompt(plan.anchor, plan.cursor))
        if plan.successor is not None:
            self._begin_preparing(uri, plan, engine, keep=keep)

    def widen(self, uri: str, plan: Plan, engine: Engine, *, keep: bool) -> None:
        """A request was served with less than the plan's prompt: have that evaluated in the background."""
        if self.of(uri) == plan.anchor:
            whole = replace(plan, successor=plan.anchor, prepare=plan.prompt)
            self._begin_preparing(uri, whole, engine, keep=keep)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._stop_preparing(uri)
        self._prompts.pop(uri, None)

    async def settled(self) -> None:
        """Wait until nothing is being prepared."""
        while self._preparing:
            await asyncio.wait(list(self._preparing.values()))

    def _begin_preparing(self, uri: str, plan: Plan, engine: Engine, *, keep: bool) -> None:
        if uri in self._preparing:
            return
        task = self._preparing[uri] = asyncio.ensure_future(self._prepare(uri, plan, engine, keep=keep))
        task.add_done_callback(partial(self._prepared, uri))

    async def _prepare(self, uri: str, plan: Plan, engine: Engine, *, keep: bool) -> None:
        try:
            await engine.prefill(plan.prepare, session=self._session, keep=keep)
        except PylotError as error:
            # The current anchor still serves; the next keystroke asks again.
            _log.info("an anchor could not be prepared: %s", error)
            return
        successor = plan.successor
        if successor is not None and successor != plan.anchor and self.of(uri) == plan.anchor:
            self._stand_on(uri, LastPrompt(successor, plan.cursor))

    def _prepared(self, uri: str, task: asyncio.Task[None]) -> None:
        # One that was stopped may end when the next one has begun.
        if self._preparing.get(uri) is task:
            del self._preparing[uri]

    def _stand_on(self, uri: str, prompt: LastPrompt) -> None:
        before = self.of(uri)
        others = [each for each in self.last_prompts(uri) if each.anchor != prompt.anchor]
        self._prompts[uri] = (prompt, *others)[:_MOST_REMEMBERED]
        if prompt.anchor != before:
            self.on_change(uri)

    def _stop_preparing(self, uri: str) -> None:
        task = self._preparing.pop(uri, None)
        if task is not None:
            task.cancel()
