"""A document that is opened again stands where it stood: its anchors come back, and the KV of its last prompt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from pylot_ls.errors import PylotError
from pylot_ls.features.anchor_records import AnchorRecords, those_that_fit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from pylot_ls.engine.engine import Engine
    from pylot_ls.features.anchors import Anchors
    from pylot_ls.text.document import Document

_log = logging.getLogger(__name__)

# Who asks right after opening waits at most so long to stand where the document stood,
_RECALL_S = 0.02
# and then so long for the KV: whatever the place is, evaluating what it has in common with the last one takes longer.
_RESTORE_S = 0.2


class _Opening:
    """How far a document is that was just opened."""

    def __init__(self) -> None:
        self.recalled = asyncio.Event()
        self.is_standing = False
        self.restored = asyncio.Event()


class Reopening:
    """Recalls where documents stood when they are opened, and records it when that changes or they are closed.

    Args:
        anchors: of the session's documents.
        document: an open document as it is now; None where it is not open.
        may_be_kept: whether anything of a document may be kept, as far as it is known.

    Attributes:
        records: where it is recorded.
    """

    def __init__(
        self,
        anchors: Anchors,
        document: Callable[[str], Document | None],
        may_be_kept: Callable[[str], bool],
    ) -> None:
        self.records = AnchorRecords()
        self._anchors = anchors
        self._document = document
        self._may_be_kept = may_be_kept
        self._opening: dict[str, _Opening] = {}
        anchors.on_change = self._record

    def opened(self, uri: str, learned: Awaitable[None], engine: Engine) -> Coroutine[Any, Any, None]:
        """A document was opened: what to await for it to stand where it stood.

        Args:
            uri: the document's.
            learned: awaited first: whether anything may be kept of it.
            engine: puts its last prompt back when the model is there.
        """
        opening = self._opening[uri] = _Opening()
        return self._reopen(uri, learned, engine, opening)

    async def known(self, uri: str, engine: Engine) -> None:
        """Wait for a document that was just opened, as long as that is sooner than going without.

        Raises:
            PylotError: there is no model.
        """
        opening = self._opening.get(uri)
        if opening is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RECALL_S):
                await opening.recalled.wait()
        if opening.is_standing:
            await engine.ready()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RESTORE_S):
                    await opening.restored.wait()

    def closed(self, uri: str) -> None:
        """A document is about to be closed: its anchors and whether they may be kept are still known."""
        self._record(uri)
        self.records.forget(uri)

    def close(self) -> None:
        """The session ends."""
        for uri in self._anchors.uris:
            self.closed(uri)

    async def _reopen(self, uri: str, learned: Awaitable[None], engine: Engine, opening: _Opening) -> None:
        try:
            await learned
            opening.is_standing = await self._recall(uri)
            opening.recalled.set()
            if opening.is_standing:
                await self._restore(uri, engine)
        finally:
            opening.recalled.set()
            opening.restored.set()
            if self._opening.get(uri) is opening:
                del self._opening[uri]

    async def _recall(self, uri: str) -> bool:
        prompts = await self.records.read(uri) if self._may_be_kept(uri) else ()
        document = self._document(uri)
        return document is not None and self._anchors.recall(uri, those_that_fit(prompts, document.text))

    async def _restore(self, uri: str, engine: Engine) -> None:
        """Put back the KV of a document's last prompt."""
        try:
            await engine.ready()
            document, prompts = self._document(uri), self._anchors.last_prompts(uri)
            if document is not None and prompts and prompts[0].cursor <= len(document.text):
                await engine.restore(prompts[0].anchor.prompt_for(document.text, prompts[0].cursor))
        except PylotError as error:
            # Requests evaluate what they need.
            _log.info("a prompt was not restored: %s", error)

    def _record(self, uri: str) -> None:
        if self._may_be_kept(uri):
            self.records.write(uri, self._anchors.last_prompts(uri))
