"""Actions of one session: which of them apply, and what one comes to in the document as it is by then."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.config.wiring import completion_options
from pylot_ls.engine.manifest import Role
from pylot_ls.errors import ActionError, PylotError
from pylot_ls.features.actions.action import Edited, NewFile, Outcome
from pylot_ls.features.actions.asking import Models
from pylot_ls.features.actions.context import Abilities, Context, Diagnostic
from pylot_ls.features.actions.edits import rebased, whole_lines
from pylot_ls.features.actions.kinds import action_of, offered
from pylot_ls.features.actions.snapshots import Snapshots
from pylot_ls.features.privacy import file_path
from pylot_ls.lsp.documents import change_of
from pylot_ls.lsp.readings import Readings
from pylot_ls.text.document import edits_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lsprotocol import types

    from pylot_ls.engine.engine import Engine
    from pylot_ls.features.actions.action import Offer
    from pylot_ls.lsp.session import Session
    from pylot_ls.text.document import Document


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user has chosen.

    Attributes:
        kind: of the action.
        uri: of the document.
        mark: of the snapshot in which it was offered, see ``Snapshots``.
        start, end: the range in that snapshot, in characters.
        diagnostic: what is to be mended; None where nothing is.
    """

    kind: str
    uri: str
    mark: int
    start: int
    end: int
    diagnostic: Diagnostic | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a wish came to.

    Attributes:
        document: as it is now; the outcome's edits are for it.
        outcome: a new file's name is one that there is not yet.
    """

    document: Document
    outcome: Outcome


class Actions:
    """Everything here runs on the event loop.

    Args:
        session: whose documents, models and settings these are.

    Attributes:
        snapshots: the documents as they were when actions were listed.
        readings: what is written for the user to read.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.snapshots = Snapshots()
        self.readings = Readings()

    async def close(self) -> None:
        """Remove what was written to be read."""
        await asyncio.to_thread(self.readings.close)

    def edited(self, before: Document, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """A document was edited."""
        if self.snapshots.watches(before.uri):
            edits = edits_of(before.text, map(change_of, changes), self._session.documents.encoding)
            self.snapshots.edited(before.uri, edits)

    @property
    def abilities(self) -> Abilities:
        """What the models can do, as far as is known without loading one."""
        pool = self._session.pool
        complete, chat = pool.known(Role.COMPLETE), pool.known(Role.CHAT)
        # Who chose a model for nothing but to chat chose one that does.
        return Abilities.of(complete, chats=chat.chats if chat is not None else pool.has_own(Role.CHAT))

    async def ready(self) -> None:
        """Wait until it is known what the model that completes can do, or that it cannot be loaded."""
        with suppress(PylotError):  # another one may do
            await self._session.engine.ready()

    async def offered(
        self, document: Document, start: int, end: int, diagnostics: Sequence[Diagnostic], kinds: Collection[str]
    ) -> list[tuple[Wish, Offer]]:
        """What may be done at a place. No model is asked, and none is loaded."""
        language = self._session.language
        mark = self.snapshots.take(document)
        context = await Context(document, start, end, diagnostics, self.abilities, language).parsed()
        return [
            (Wish(kind, document.uri, mark, start, end, _chosen(diagnostics, offer.diagnostic)), offer)
            for kind, offer in offered(context, kinds)
        ]

    async def perform(self, wish: Wish) -> Result:
        """Do what was chosen. Cancelling the coroutine ends the model's work.

        Raises:
            ActionError: it came to nothing: the document has changed where it counts, or the model's answer is of no
                use.
            ModelError, EngineError: as ``Action.perform``.
        """
        then = self.snapshots.document(wish.uri, wish.mark)
        if then is None:
            raise self._changed()
        # Before anything else may make way for it in the memory of what was listed.
        mark = self.snapshots.take(then)
        self._check_unchanged(then, mark, wish)
        diagnostics = () if wish.diagnostic is None else (wish.diagnostic,)
        await self.ready()
        language = self._session.language
        context = await Context(then, wish.start, wish.end, diagnostics, self.abilities, language).parsed()
        outcome = await action_of(wish.kind).perform(
            context, self._models(wish.uri), None if wish.diagnostic is None else 0
        )
        return await self._result(then, mark, outcome)

    async def _result(self, then: Document, mark: int, outcome: Outcome) -> Result:
        if isinstance(outcome, NewFile):
            name = await asyncio.to_thread(self._free_name, then.uri, outcome.names)
            outcome = replace(outcome, names=(name,))
        # From here to the answer nothing is awaited: the document is as the client has it, as far as it has told.
        now = self._session.documents.get(then.uri)
        if now is None:
            raise ActionError(self._session.language.say("The document was closed while the model worked."))
        if isinstance(outcome, Edited):
            edits = self.snapshots.edits_since(mark)
            moved = None if edits is None else rebased(outcome.replacements, outcome.guard, then.text, edits, now.text)
            if moved is None:
                raise self._changed()
            outcome = replace(outcome, replacements=moved)
        return Result(now, outcome)

    def _check_unchanged(self, then: Document, mark: int, wish: Wish) -> None:
        """Ask no model about lines that are others by now."""
        now, edits = self._session.documents.get(then.uri), self.snapshots.edits_since(mark)
        lines = whole_lines(then.text, wish.start, wish.end)
        if now is None or edits is None or rebased((), lines, then.text, edits, now.text) is None:
            raise self._changed()

    def _models(self, uri: str) -> Models:
        session = self._session

        async def fill() -> Engine:
            return session.engine

        async def chat() -> Engine:
            return await session.pool.engine(Role.CHAT)

        return Models(fill, chat, completion_options(session.settings).prompt, keep=session.privacy.may_be_kept(uri))

    def _free_name(self, uri: str, names: Sequence[str]) -> str:
        """The first name beside a document that is no document's and no file's."""
        folder = uri.rpartition("/")[0]
        for name in names:
            if self._session.documents.get(f"{folder}/{name}") is not None:
                continue
            try:
                path = file_path(f"{folder}/{name}")
                is_there = path is not None and path.exists()
            except (OSError, ValueError):
                continue
            if not is_there:
                return name
        raise ActionError(self._session.language.say("There is no name left for a file of tests."))

    def _changed(self) -> ActionError:
        return ActionError(self._session.language.say("The code has changed since; nothing was done. Ask once more."))


def _chosen(diagnostics: Sequence[Diagnostic], number: int | None) -> Diagnostic | None:
    return None if number is None else diagnostics[number]
