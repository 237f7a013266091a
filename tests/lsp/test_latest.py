"""Newer questions supersede, equal ones join."""

import asyncio

import pytest
from turns import turn

from pylot_ls.lsp.latest import Latest

pytestmark = pytest.mark.asyncio


class Work:
    """Work that ends when told to, and remembers how it went."""

    def __init__(self, answer="answer"):
        self.answer = answer
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended = asyncio.Event()
        self.n_runs = 0
        self.cancelled = False

    async def __call__(self):
        self.n_runs += 1
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_question_gets_its_answer():
    work = Work()
    work.go_on.set()
    assert await Latest().ask("a", work) == "answer"


async def test_a_newer_question_answers_the_older_with_none_and_ends_its_work():
    latest, old, new = Latest(), Work("old"), Work("new")
    older = asyncio.ensure_future(latest.ask("a", old))
    await old.begun.wait()
    newer = asyncio.ensure_future(latest.ask("b", new))
    assert await older is None
    await old.ended.wait()
    assert old.cancelled
    new.go_on.set()
    assert await newer == "new"


async def test_equal_questions_share_the_work_in_flight():
    latest, work = Latest(), Work()
    first = asyncio.ensure_future(latest.ask("a", work))
    await work.begun.wait()
    second = asyncio.ensure_future(latest.ask("a", work))
    await turn()
    work.go_on.set()
    assert await asyncio.gather(first, second) == ["answer", "answer"]
    assert work.n_runs == 1


async def test_an_equal_question_after_the_answer_needs_no_work():
    latest, work = Latest(), Work()
    work.go_on.set()
    await latest.ask("a", work)
    assert await latest.ask("a", work) == "answer"
    assert work.n_runs == 1


async def test_work_that_failed_is_done_again():
    latest, failing = Latest(), Work(ValueError("no"))
    failing.go_on.set()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await latest.ask("a", failing)
    assert failing.n_runs == 2


async def test_cancelling_the_only_one_who_waits_ends_the_work():
    latest, work = Latest(), Work()
    waiting = asyncio.ensure_future(latest.ask("a", work))
    await work.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await turn()
    assert work.cancelled


async def test_cancelling_one_of_two_leaves_the_other_its_answer():
    latest, work = Latest(), Work()
    first = asyncio.ensure_future(latest.ask("a", work))
    await work.begun.wait()
    second = asyncio.ensure_future(latest.ask("a", work))
    await turn()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.go_on.set()
    assert await second == "answer"


async def test_a_question_asked_again_after_it_was_cancelled_is_worked_on_again():
    latest, cancelled, again = Latest(), Work(), Work()
    waiting = asyncio.ensure_future(latest.ask("a", cancelled))
    await cancelled.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    again.go_on.set()
    assert await latest.ask("a", again) == "answer"


async def test_supersede_answers_none_to_everybody():
    latest, work = Latest(), Work()
    waiting = asyncio.ensure_future(latest.ask("a", work))
    await work.begun.wait()
    latest.supersede()
    assert await waiting is None
