"""One connected client: its documents, abilities and settings, and the engine that serves it."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from pylot_ls import machine
from pylot_ls.config.wiring import completion_options, make_pool
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import LoadFailed, StateEvent
from pylot_ls.errors import ModelError, ModelUnsupportedError, PylotError, SettingsError
from pylot_ls.features.anchors import Anchors
from pylot_ls.features.answers import Answers
from pylot_ls.features.files_off import is_off
from pylot_ls.features.hover.hovers import Hovers
from pylot_ls.features.knowledge import Knowledge
from pylot_ls.features.privacy import Privacy
from pylot_ls.features.reopening import Reopening
from pylot_ls.language import Message, text_of
from pylot_ls.lsp.actions import Actions
from pylot_ls.lsp.another import Another
from pylot_ls.lsp.capabilities import ClientAbilities
from pylot_ls.lsp.client_settings import ClientSettings
from pylot_ls.lsp.documents import OpenDocuments
from pylot_ls.lsp.eagerness import PowerSource
from pylot_ls.lsp.feedback import Feedback
from pylot_ls.lsp.latest import Latest
from pylot_ls.lsp.notebooks import Notebooks
from pylot_ls.lsp.paused import Paused

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.engine import Engine
    from pylot_ls.features.completion import Completion, Suggestion
    from pylot_ls.language import Language
    from pylot_ls.lsp.notices import Notices
    from pylot_ls.lsp.selected import Selected
    from pylot_ls.text.document import Document

_log = logging.getLogger(__name__)


class Session:
    """What belongs to one client. Everything here runs on the event loop.

    Args:
        notices: where messages to the user go.
        overrides: settings of the command line.
        new_pool: makes the models of the settings, not yet loaded.
        environment: of the client.
        shared: the settings of a process that serves other sessions, too; None where this is the only one.
    """

    def __init__(
        self,
        notices: Notices,
        overrides: Mapping[str, object],
        new_pool: Callable[[Settings], ModelPool] = make_pool,
        *,
        environment: Mapping[str, str] = os.environ,
        shared: Settings | None = None,
    ) -> None:
        self.notices = notices
        self.documents = OpenDocuments()
        self.workspace_folders: tuple[Path, ...] = ()
        self.notebooks = Notebooks(self.documents.get)
        self.abilities = ClientAbilities()
        self.paused = Paused()
        self.completions: Latest[Completion] = Latest()
        self.anchors = Anchors()
        self.hovers = Hovers(lambda: self.pool, self.keep)
        self.privacy = Privacy()
        self.feedback = Feedback(self.documents.get, self.privacy.may_be_kept, notices.warning)
        self._reopening = Reopening(self.anchors, self.documents.get, self._is_recorded)
        self.knowledge = Knowledge(self._known, self.privacy.may_be_drawn_on, lambda: self.engine)
        self._answers = Answers(
            self.anchors, lambda: self.engine, self._reopening.known, self.privacy.may_be_kept, self.keep
        )
        self.actions = Actions(self)
        self.another = Another(lambda document, offset: self.suggest(document, offset, by_hand=True), self._prefer)
        self.power_watch: asyncio.Task[None] | None = None
        self.power = PowerSource(machine.on_battery)
        # A client that never asks must not cost anything at its edits.
        self._has_asked = False
        self._new_pool = new_pool
        self._all_settings = ClientSettings(overrides, environment, shared)
        self.settings = self._all_settings.current
        self._pool: ModelPool | None = None
        self._model_watchers: list[Callable[[StateEvent], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._switching = asyncio.Lock()
        self._is_between_models = False

    @property
    def engine(self) -> Engine:
        """The engine that completes; there is one from ``start`` on."""
        return self.pool.complete

    @property
    def pool(self) -> ModelPool:
        """The models by what they are for; there are some from ``start`` on."""
        if self._pool is None:
            raise RuntimeError("the session has not started")
        return self._pool

    @property
    def language(self) -> Language:
        """The user's."""
        return self._all_settings.language

    def translated(self, text: str) -> str:
        """A message in the user's language, where there is a translation; other texts as they are."""
        return self.language.of(text)

    def start(self, initialization_options: object, locale: str | None = None) -> None:
        """Take the client's options and begin to load the model.

        ``locale``: the tag of the language in which the client speaks to its user.
        """
        self._all_settings.locale = locale
        self._all_settings.initialization_options = initialization_options
        self._apply_settings()
        self._begin_models()
        self.feedback.start(self.settings)
        self.power_watch = self.keep(self.power.watch())

    def configure(self, workspace_configuration: object) -> None:
        """Take the client's settings."""
        self._all_settings.workspace_configuration = workspace_configuration
        self._apply_settings()
        self.show_problems()

    def show_problems(self) -> None:
        """Tell the user which settings are not as they should be."""
        for problem in self._all_settings.problems:
            self.notices.warning(problem.message)

    def keep(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside the request that began it, for as long as the session lives."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._let_go)
        return task

    def _let_go(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background work failed", exc_info=error)

    async def run_model(self, setting: str, path: Path, role: Role) -> None:
        """Run another model for a role as long as this process lives; where it fails, those before again.

        Args:
            setting: the one that names the model of the role.
            path: the model's file.
            role: what it is for.

        Raises:
            PylotError: it cannot be loaded, or is of no use there; or other sessions run the model that there is.
        """
        if self._all_settings.is_shared:
            raise ModelUnsupportedError(
                Message(
                    "several editors share this server and its models; choose another for all of them by pylot-ls "
                    "models use, then stop it: pylot-ls serve --stop"
                )
            )
        before = dict(self._all_settings.chosen)
        self._all_settings.choose(setting, str(path))
        # Whoever breaks it off must not leave the session without models.
        await asyncio.shield(self.keep(self._load_models_anew()))
        try:
            await self.pool.engine(role)
        except PylotError:
            self._all_settings.chosen = before
            await asyncio.shield(self.keep(self._load_models_anew()))
            raise

    async def _load_models_anew(self) -> None:
        """Close all models, and begin with those that the settings choose now."""
        async with self._switching:
            await self._change_models()

    async def _change_models(self) -> None:
        self.completions.supersede()
        self._answers.stop_looking_ahead()
        uris = self.documents.uris
        for uri in uris:
            self._leave(uri)
        self._is_between_models = True
        try:
            await self.pool.close()
        finally:
            self._is_between_models = False
        self._apply_settings()
        self._begin_models()
        for uri in uris:
            if self.documents.get(uri) is not None:
                self.opened(uri)

    def opened(self, uri: str) -> None:
        """A document was opened: find out what may be kept of it, and let it stand where it stood before."""
        self.actions.snapshots.forget(uri)
        learned = self.keep(self.privacy.learn(uri))
        self.knowledge.opened(uri, learned)
        self.keep(self._reopening.opened(uri, learned, self.engine))

    def close_document(self, uri: str) -> None:
        """Forget a document; where it stood is recorded."""
        self.actions.snapshots.forget(uri)
        self.feedback.closed(uri)
        self._leave(uri)
        self.documents.close(uri)
        self.privacy.forget(uri)

    def _leave(self, uri: str) -> None:
        """Forget what the models know of a document; where it stood is recorded."""
        self.knowledge.closed(uri)
        self._reopening.closed(uri)
        self.anchors.forget(uri)
        self._answers.forget(uri)
        self.hovers.forget(uri)

    def edited(self, document: Document, offset: int | None) -> None:
        """A document was edited; ``offset`` is the cursor's where the edit was a keystroke.

        Begins the completion there, which the editor's request then joins, or ends the one that is out of date.
        """
        self.knowledge.edited(document.uri)
        if offset is not None and self._has_asked and self._is_eager:
            self.keep(self.suggest(document, offset))
        else:
            self.completions.supersede()
            self._answers.stop_looking_ahead()

    async def suggest(
        self,
        document: Document,
        offset: int,
        *,
        by_hand: bool = False,
        entry: Selected | None = None,
        patience_ms: int = 0,
    ) -> Completion | None:
        """A completion at an offset; None when a newer request came in, or none is wanted or possible here.

        ``by_hand``: the user asked, see ``completion_options``. ``entry``: by what the document differs from its
        version. ``patience_ms``: after how long what there is of it will do, 0 for never.
        """
        if self._is_between_models or not self._suggests_in(document):
            self.completions.supersede()
            return None
        options = completion_options(self.settings, by_hand=by_hand)
        key = (document.uri, document.version, offset, options, entry)
        try:
            return await self.completions.ask(
                key,
                lambda: self._answers.begin(document, offset, options),
                partial(self._answers.in_time, patience_ms=patience_ms, document=document, offset=offset)
                if patience_ms
                else asyncio.shield,
            )
        except PylotError as error:
            # Said once and not as an answer: editors show an error for each request that gets one.
            self.notices.error(text_of(error))
            return None

    async def answer(
        self, document: Document, offset: int, *, invoked: bool, by_hand: bool = False, entry: Selected | None = None
    ) -> Completion | None:
        """What the editor asked for: as ``suggest``, but nothing where only the user may ask and did not."""
        if self.settings.completion.eagerness == "manual" and not invoked:
            return None
        self._has_asked = True
        patience_ms = 0 if by_hand else self.settings.completion.answer_after_ms
        completion = await self.suggest(document, offset, by_hand=by_hand, entry=entry, patience_ms=patience_ms)
        # What follows a part is being decoded.
        whole = None if completion is None or completion.is_part else completion.suggestion
        if whole is not None and self._looks_ahead:
            # When it is accepted, the editor asks for the next one by itself.
            self._answers.shown(document, whole, completion_options(self.settings))
        return completion

    def _prefer(self, document: Document, suggestion: Suggestion) -> None:
        # What was answered before is out of date.
        self.completions.supersede()
        self._answers.prefer(document, suggestion)

    def _suggests_in(self, document: Document) -> bool:
        settings = self.settings.completion
        if self.paused.covers(document):
            return False
        is_of_language_off = document.language_id in settings.languages_off
        return settings.enabled and not is_of_language_off and not is_off(document.uri, settings.files_off)

    def _known(self, uri: str) -> Document | None:
        """A document from which suggestions may draw."""
        document = self.documents.get(uri)
        return document if document is not None and self._suggests_in(document) else None

    def _is_recorded(self, uri: str) -> bool:
        """Whether it is kept where a document stands, as far as is known."""
        document = self.documents.get(uri)
        is_standing = document is not None and self._suggests_in(document) and self.settings.prompt.anchored
        return is_standing and self.privacy.may_be_kept(uri)

    @property
    def _is_eager(self) -> bool:
        eagerness = self.settings.completion.eagerness
        return eagerness == "keystroke" or (eagerness == "auto" and not self.power.is_battery)

    @property
    def _looks_ahead(self) -> bool:
        return self._is_eager and self.settings.completion.look_ahead and self.settings.prompt.anchored

    async def close(self) -> None:
        """End all work and free the model."""
        self.completions.supersede()
        for task in self._tasks:
            task.cancel()
        self._reopening.close()
        self.knowledge.close()
        await self.actions.close()
        await self.feedback.close()
        if self._pool is not None:
            await self._pool.close()

    def _apply_settings(self) -> None:
        self.settings = self._all_settings.put_together()
        self.notices.language = self.language
        try:
            self._all_settings.configure_log()
        except SettingsError as error:
            self.notices.warning(text_of(error))

    def _begin_models(self) -> None:
        pool = self._pool = self._models()
        self._reopening.records.store = self.hovers.explanations.store = pool.store
        pool.complete.listen(self._on_state)
        pool.start(self.notices.warning)

    def _models(self) -> ModelPool:
        try:
            return self._new_pool(self.settings)
        except ModelError as error:
            # Served by a backend that says so: the server lives on and each request is answered.
            failing = ScriptedBackend(load_failure=LoadFailed(text_of(error), type(error).__name__))
            return ModelPool({Role.COMPLETE: failing, Role.CHAT: failing})

    def watch_model(self, watcher: Callable[[StateEvent], None]) -> None:
        """Call it with the completing model's state as it is now, and at each change, whichever model that is."""
        self._model_watchers.append(watcher)
        watcher(self.engine.state)

    def _on_state(self, state: StateEvent) -> None:
        if isinstance(state, LoadFailed):
            self.notices.error(state.message)
        for watcher in self._model_watchers:
            watcher(state)
