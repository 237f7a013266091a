"""Only the latest question counts: newer ones supersede, equal ones join."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable

T = TypeVar("T")
Work: TypeAlias = "Coroutine[Any, Any, T] | asyncio.Task[T]"


@dataclass(slots=True)
class _Question(Generic[T]):
    key: Hashable
    task: asyncio.Task[T]
    n_waiting: int = 0
    superseded: bool = False


class Latest(Generic[T]):
    """Answers one question at a time for one session.

    Editors ask again at every keystroke, and not all of them cancel what they asked before (Neovim 0.12 does not).
    """

    def __init__(self) -> None:
        self._current: _Question[T] | None = None

    async def ask(
        self,
        key: Hashable,
        work: Callable[[], Work[T]],
        wait: Callable[[asyncio.Task[T]], Awaitable[T]] = asyncio.shield,
    ) -> T | None:
        """The answer of ``work``, or None as soon as a question with another key comes in.

        A question with the key of the one before shares its work, in flight or done. When everybody who waits for an
        answer is cancelled, the work is cancelled too. What the work raises is raised here. ``wait`` waits for the
        work without ending it; it may have enough of it sooner, and then the work goes on.
        """
        question = self._join(key) or self._begin(key, work)
        question.n_waiting += 1
        has_enough = False
        try:
            answer = await wait(question.task)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if question.superseded and not (task and task.cancelling()):
                return None
            raise
        else:
            has_enough = True
            return answer
        finally:
            question.n_waiting -= 1
            if question.n_waiting == 0 and not has_enough and not question.task.done():
                question.task.cancel()

    def supersede(self) -> None:
        """Answer None to whoever waits, and end the work."""
        if self._current is not None:
            self._current.superseded = True
            self._current.task.cancel()
            self._current = None

    def _join(self, key: Hashable) -> _Question[T] | None:
        question = self._current
        if question is None or question.key != key or question.task.cancelling():
            return None
        failed = question.task.done() and (question.task.cancelled() or question.task.exception() is not None)
        return None if failed else question

    def _begin(self, key: Hashable, work: Callable[[], Work[T]]) -> _Question[T]:
        self.supersede()
        begun = work()
        task = begun if isinstance(begun, asyncio.Task) else asyncio.ensure_future(begun)
        question = self._current = _Question(key, task)
        # A failure is raised to those who wait; when nobody does, it must not be reported as never retrieved.
        question.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return question
