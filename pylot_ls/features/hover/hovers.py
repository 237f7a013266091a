"""Hovers of a session: what the text says at once, what a model says as far as there is time, the rest later."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls.engine.identity import file_stamp
from pylot_ls.engine.manifest import Role
from pylot_ls.errors import PylotError
from pylot_ls.features.hover.explaining import Explanation, ask_about, explain, explaining_engine, explains_unasked
from pylot_ls.features.hover.explanations import Explanations, explanation_key
from pylot_ls.features.hover.stated import Stated, stated
from pylot_ls.features.hover.subject import Subject, subject_at, subject_in
from pylot_ls.language import ENGLISH
from pylot_ls.prompts.layout import FimOptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from pylot_ls.engine.pool import ModelPool
    from pylot_ls.engine.types import ModelInfo
    from pylot_ls.language import Language
    from pylot_ls.text.document import Document

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HoverOptions:
    """What a user can choose.

    Attributes:
        time_budget_ms: how long a model's explanation is waited for.
        language: in which it is to be.
        prompt: how prompts are laid out.
    """

    time_budget_ms: float = 1000
    language: Language = ENGLISH
    prompt: FimOptions = field(default_factory=FimOptions)


@dataclass(frozen=True, slots=True)
class Hover:
    """What is shown of a subject.

    Attributes:
        stated: what the text says; None where it does not say what the subject is.
        explanation: what a model says so far; whole sentences.
        is_going_on: whether the model has more to say, which is there at the next hover.
    """

    subject: Subject
    stated: Stated | None
    explanation: Explanation
    is_going_on: bool = False


@dataclass(slots=True)
class _Job:
    """An explanation that is being made."""

    uri: str
    said: str = ""
    n_waiting: int = 0
    task: asyncio.Task[Explanation] | None = None

    def hear(self, said: str) -> None:
        self.said = said


class Hovers:
    """All methods are called on the event loop.

    Args:
        pool: the models.
        keep: runs something for as long as the session lives.
        timer: waits for so many seconds.

    Attributes:
        explanations: those made before.
    """

    def __init__(
        self,
        pool: Callable[[], ModelPool],
        keep: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]] = asyncio.ensure_future,
        timer: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.explanations = Explanations()
        self._pool = pool
        self._keep = keep
        self._timer = timer
        self._jobs: dict[object, _Job] = {}

    async def hover(
        self,
        document: Document,
        places: tuple[int, int],
        options: HoverOptions,
        *,
        session: str = "",
        kept: bool = False,
    ) -> Hover | None:
        """What is shown of a selection, or at a cursor; None where nothing is.

        Args:
            document: in which it is.
            places: where the selection starts and ends, in characters; equal for a cursor.
            options: what the user has chosen.
            session: whose request it is.
            kept: whether something of the document may be kept on disk.
        """
        start, end = places
        subject = await (subject_at(document, start) if start == end else subject_in(document, start, end))
        if subject is None:
            return None
        said = None if subject.definition is None else stated(document.text, subject.definition)
        key = (document.language_id, options.language, content(document, subject))
        job = self._join(key) or self._begin(key, document, subject, options, session=session, kept=kept)
        self._end_others(job)
        explanation, is_going_on = await self._wait(job, options.time_budget_ms)
        # Nothing is promised where only a model that chats could say something, and none is known.
        if said is None and not explanation.text and not (is_going_on and self._can_chat):
            return None
        return Hover(subject, said, explanation, is_going_on)

    @property
    def _can_chat(self) -> bool:
        pool = self._pool()
        known = pool.known(Role.CHAT)
        return known.chats if known is not None else pool.has_own(Role.CHAT)

    def forget(self, uri: str) -> None:
        """A document was closed: nobody wants to know any more."""
        for job in self._jobs.values():
            if job.uri == uri and job.task is not None:
                job.task.cancel()

    def _join(self, key: object) -> _Job | None:
        job = self._jobs.get(key)
        return None if job is None or job.task is None or job.task.cancelling() else job

    def _begin(
        self, key: object, document: Document, subject: Subject, options: HoverOptions, *, session: str, kept: bool
    ) -> _Job:
        job = self._jobs[key] = _Job(document.uri)
        work = self._explain(job, document, subject, options, session=session, kept=kept)
        job.task = self._keep(work)
        job.task.add_done_callback(lambda _task: self._jobs.pop(key) if self._jobs.get(key) is job else None)
        return job

    def _end_others(self, job: _Job) -> None:
        """What somebody looked at before and waits for no longer makes way for what they look at now."""
        for other in self._jobs.values():
            if other is not job and other.n_waiting == 0 and other.task is not None:
                other.task.cancel()

    async def _wait(self, job: _Job, budget_ms: float) -> tuple[Explanation, bool]:
        """What is said when the budget ends, and whether that is not all. Who gives up earlier lets go of the job."""
        task = job.task
        if task is None:
            return Explanation(""), False
        timers = [] if math.isinf(budget_ms) else [asyncio.ensure_future(self._timer(budget_ms / 1000))]
        job.n_waiting += 1
        try:
            await asyncio.wait([task, *timers], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if job.n_waiting == 1:
                task.cancel()
            raise
        finally:
            job.n_waiting -= 1
            for timer in timers:
                timer.cancel()
        if not task.done():
            return Explanation(job.said), True
        failed = task.cancelled() or task.exception() is not None
        return (Explanation("") if failed else task.result()), False

    async def _explain(
        self, job: _Job, document: Document, subject: Subject, options: HoverOptions, *, session: str, kept: bool
    ) -> Explanation:
        try:
            pool = self._pool()
            # The models may have been switched, and their store with them.
            self.explanations.store = pool.store
            found = await explaining_engine(pool, explains_unasked)
            if found is None:
                return Explanation("")
            engine, model = found
            asked = ask_about(document, subject, model, options.language, options.prompt)
            if asked is None:
                return Explanation("")
            key = await asyncio.to_thread(_key, document, subject, model, options.language)
            before = await self.explanations.read(key, kept=kept)
            if before is not None:
                return Explanation(before)
            explanation = await explain(asked, engine, session=session, keep=kept, on_text=job.hear)
        except PylotError as error:
            _log.warning("no explanation: %s", error)
            return Explanation("")
        self.explanations.write(key, explanation.text, kept=kept)
        return explanation


def content(document: Document, subject: Subject) -> str:
    """What an explanation depends on: the definition's own text, or the line. Edits elsewhere do not matter."""
    if subject.definition is None:
        return f"{subject.name}\0{subject.line}"
    whole = subject.definition.whole
    return document.text.slice(whole.start, whole.end)


def _key(document: Document, subject: Subject, model: ModelInfo, language: Language) -> bytes:
    adapters = ",".join(f"{path}={scale}" for path, scale in model.adapters)
    stamp = file_stamp(Path(model.path)) if model.path else ""
    return explanation_key(
        {
            "model": f"{model.name} {model.size_bytes} {stamp} {adapters}",
            "chats": int(model.chats),
            "language": language.tag,
            "language_id": document.language_id,
            "is_defined": int(subject.definition is not None),
            "content": content(document, subject),
        }
    )
