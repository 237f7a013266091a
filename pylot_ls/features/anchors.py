"""The anchors of a session's documents: kept from keystroke to keystroke, replaced in the background."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from pylot_ls.engine.engine import Engine
    from pylot_ls.prompts.anchor import Anchor
    from pylot_ls.prompts.plan import Plan

_log = logging.getLogger(__name__)


class Anchors:
    """Remembers on which frozen prompt each document stands.

    When a plan names a successor, its prompt is evaluated with the lowest priority, and it takes over once that is
    done: the keystroke after it finds its KV. One at a time for each document.

    Args:
        session: whose requests these are.
    """

    def __init__(self, session: str = "") -> None:
        self._session = session
        self._anchors: dict[str, Anchor] = {}
        self._preparing: dict[str, asyncio.Task[None]] = {}

    def of(self, uri: str) -> Anchor | None:
        """The anchor of a document; None where it has none yet."""
        return self._anchors.get(uri)

    def follow(self, uri: str, plan: Plan, engine: Engine, *, keep: bool) -> None:
        """Stand on the plan's anchor, and prepare the successor if it has one.

        ``keep``: whether what is evaluated of the document may be kept beyond the process.
        """
        if self._anchors.get(uri) is not plan.anchor:
            # Whatever is being prepared was to follow another one.
            self._stop_preparing(uri)
            self._anchors[uri] = plan.anchor
        if plan.successor is not None and uri not in self._preparing:
            task = asyncio.ensure_future(self._prepare(uri, plan, engine, keep=keep))
            self._preparing[uri] = task
            task.add_done_callback(lambda _task: self._preparing.pop(uri, None))

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._stop_preparing(uri)
        self._anchors.pop(uri, None)

    async def settled(self) -> None:
        """Wait until nothing is being prepared."""
        while self._preparing:
            await asyncio.wait(list(self._preparing.values()))

    async def _prepare(self, uri: str, plan: Plan, engine: Engine, *, keep: bool) -> None:
        try:
            await engine.prefill(plan.prepare, session=self._session, keep=keep)
        except PylotError as error:
            # The current anchor still serves; the next keystroke asks again.
            _log.info("an anchor could not be prepared: %s", error)
            return
        if plan.successor is not None and self._anchors.get(uri) is plan.anchor:
            self._anchors[uri] = plan.successor

    def _stop_preparing(self, uri: str) -> None:
        task = self._preparing.pop(uri, None)
        if task is not None:
            task.cancel()
