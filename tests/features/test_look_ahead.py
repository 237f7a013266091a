"""What follows a suggestion is there when it is accepted, and costs a keystroke nothing when it is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio

from pylot_ls.engine.engine import Engine
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.types import Priority, Usage
from pylot_ls.features.anchors import Anchors
from pylot_ls.features.answers import Answers
from pylot_ls.features.completion import CompletionOptions
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

pytestmark = pytest.mark.asyncio

URI = "file:///a.py"
BEFORE = "".join(f"def handler_{n}(request):\n    return request.{n}\n\n" for n in range(12)) + "def last(request):\n  "
AFTER = "\n" + "".join(f"register(handler_{n})\n" for n in range(12))
# So few that a suggestion is not the whole line, and something follows it.
OPTIONS = CompletionOptions(max_tokens=2, confidence=0)
# Ways to begin the line, of which one is taken behind which the bundled model goes on for several steps.
STARTS = ("  return ", "  for ", "  if ", "  value = ", "  with ", "  print(")
N_STEPS = 4


class Watched(LlamaBackend):
    """Keeps what it was asked, and takes its time: what a smaller prompt is taken for depends on the machine's pace."""

    def __init__(self, config):
        super().__init__(config)
        self.requests = []
        self.asked = asyncio.Event()

    def submit(self, request):
        self.requests.append(request)
        self.asked.set()
        super().submit(replace(request, fallbacks=()))

    @property
    def resident(self):
        """What each sequence holds."""
        tree = self._loaded.sequences.tree
        return [tree.tokens(seq) for seq in tree.sequences]


class Desk:
    """One document that is typed in, between ``BEFORE`` and ``AFTER``."""

    def __init__(self, config):
        self.backend = Watched(config)
        self.engine = Engine(self.backend)
        self.anchors = Anchors()
        self.tasks = []
        self.answers = Answers(self.anchors, lambda: self.engine, self.known, lambda _uri: False, self.keep)

    async def known(self, _uri, _engine):
        """Always."""

    def keep(self, work):
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]

    async def ask(self, typed):
        return await self.answers.begin(*self.page(typed), OPTIONS)

    async def look_ahead(self, typed):
        """Ask, have it shown, and wait for what follows; the suggestion's text."""
        suggestion = await self.begin_to_look_ahead(typed)
        await self.settled()
        return suggestion

    async def settled(self):
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def begin_to_look_ahead(self, typed):
        completion = await self.ask(typed)
        self.backend.asked.clear()
        self.answers.shown(self.page(typed)[0], completion.suggestion, OPTIONS)
        if self.tasks:
            # It asks, or it ends without.
            asked = asyncio.ensure_future(self.backend.asked.wait())
            await asyncio.wait([asked, self.tasks[-1]], return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
        return completion.suggestion.text

    @staticmethod
    def page(typed):
        return Document(URI, "python", 1, Text.from_str(BEFORE + typed + AFTER)), len(BEFORE + typed)


@pytest_asyncio.fixture
async def sit_down(bundled_config):
    desks = []

    def start():
        desks.append(Desk(bundled_config))
        desks[-1].engine.start()
        return desks[-1]

    yield start
    for desk in desks:
        await desk.engine.close()


@pytest_asyncio.fixture
async def start(sit_down):
    """The beginning of a line; what is suggested behind it has more than one letter."""
    desk = sit_down()
    for start in STARTS:
        steps = await steps_behind(desk, start)
        if len(steps) == N_STEPS and len(steps[0]) > 1:
            return start
    raise AssertionError(f"the bundled model goes on for {N_STEPS} steps behind none of {STARTS}")


async def steps_behind(desk, typed):
    """What is suggested when each suggestion is accepted."""
    steps = []
    while len(steps) < N_STEPS and (suggestion := (await desk.ask(typed + "".join(steps))).suggestion):
        steps.append(suggestion.text)
    return steps


async def test_an_accepted_suggestion_has_its_next_one_and_the_model_is_not_asked(sit_down, start):
    desk, without = sit_down(), sit_down()
    text = await desk.look_ahead(start)
    assert [request.priority for request in desk.backend.requests] == [Priority.KEYSTROKE, Priority.BACKGROUND]
    accepted = await desk.ask(start + text)
    assert len(desk.backend.requests) == 2
    assert accepted.usage == Usage()
    assert accepted.suggestion.text
    await without.ask(start)
    assert accepted.suggestion.text == (await without.ask(start + text)).suggestion.text


async def test_it_goes_on_one_step_at_a_time(sit_down, start):
    desk, typed = sit_down(), start
    for n_steps in range(1, N_STEPS):
        typed += await desk.look_ahead(typed)
        assert len(desk.backend.requests) == 1 + n_steps


async def test_typing_along_does_not_begin_it_anew(sit_down, start):
    desk = sit_down()
    text = await desk.begin_to_look_ahead(start)
    for n in range(1, len(text)):
        await desk.look_ahead(start + text[:n])
    assert len(desk.backend.requests) == 2
    assert (await desk.ask(start + text)).usage == Usage()


@pytest.mark.parametrize("finished", [True, False], ids=["afterwards", "meanwhile"])
@pytest.mark.parametrize("astray", ["?", "xx", None], ids=["a letter", "two letters", "along to its end"])
async def test_the_next_keystroke_evaluates_as_few_tokens_as_without_it(sit_down, start, astray, finished):
    desk, without = sit_down(), sit_down()
    text = await (desk.look_ahead(start) if finished else desk.begin_to_look_ahead(start))
    await without.ask(start)
    typed = start + (astray or text + "?")
    usage, expected = (await desk.ask(typed)).usage, (await without.ask(typed)).usage
    assert usage.tokens_evaluated <= expected.tokens_evaluated <= 6
    # How much of a suggestion is decoded before it is broken off is chance.
    assert len(desk.backend.resident) == len(without.backend.resident)


async def test_wrong_guesses_leave_nothing_behind(sit_down, start):
    desk = sit_down()
    await desk.look_ahead(start)
    n_resident = len(desk.backend.resident)
    for n, letter in enumerate("abcdefghijklmnop"):
        completion = await desk.ask(start + letter)
        if completion.suggestion:
            desk.answers.shown(desk.page(start + letter)[0], completion.suggestion, OPTIONS)
            if n % 2:
                await desk.settled()
    assert len(desk.tasks) > 8
    assert len(desk.backend.resident) == n_resident


async def test_the_document_stands_where_it_stood_until_somebody_gets_there(sit_down, start):
    desk = sit_down()
    text = await desk.look_ahead(start)
    (before,) = desk.anchors.last_prompts(URI)
    assert before.cursor == len(BEFORE + start)
    await desk.ask(start + text)
    (after,) = desk.anchors.last_prompts(URI)
    assert after.anchor == before.anchor
    assert after.cursor == len(BEFORE + start + text)


async def test_where_that_would_need_another_anchor_nothing_is_prepared(sit_down, start):
    desk = sit_down()
    completion = await desk.ask(start)
    desk.anchors.forget(URI)
    desk.answers.shown(desk.page(start)[0], completion.suggestion, OPTIONS)
    await desk.settled()
    assert len(desk.backend.requests) == 1


async def test_a_question_elsewhere_ends_it_and_it_is_begun_again_where_it_was(sit_down, start):
    desk = sit_down()
    text = await desk.begin_to_look_ahead(start)
    await desk.ask(start + "?")
    (cut_short,) = desk.tasks
    assert cut_short.cancelled()
    assert await desk.look_ahead(start) == text
    assert (await desk.ask(start + text)).usage == Usage()
