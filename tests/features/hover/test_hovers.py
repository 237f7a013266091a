"""A hover: what the text says at once, what a model says as far as there is time, the rest at the next one."""

import asyncio
from dataclasses import replace

import pytest
from shelf import Shelf

from pylot_ls.engine.prompt_types import ChatSegment
from pylot_ls.engine.types import LoadFailed, Priority
from pylot_ls.language import ENGLISH

pytestmark = pytest.mark.asyncio

SOURCE = '''import os


class Basket:
    def total(self):
        """Add the prices.

        All of them.
        """
        return sum(self.prices)

    def show(self):
        print(self.total())


def other():
    return os.name
'''
SAID = "It adds the prices. It returns the sum."


def texts(request):
    """What a request's conversation says."""
    (chat,) = request.prompt
    assert isinstance(chat, ChatSegment)
    return ["".join(segment.text for segment in message.content) for message in chat.messages]


async def test_signature_first_paragraph_and_explanation_of_what_a_name_stands_for(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    found = await pointer.hover(SOURCE, "total())")
    assert (found.stated.signature, found.stated.documentation) == ("def total(self):", "Add the prices.")
    assert found.explanation.text == SAID
    assert not found.is_going_on
    assert SOURCE[found.subject.start : found.subject.end] == "total"


async def test_a_model_that_chats_is_asked_with_the_document_first_and_the_question_last(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    await pointer.hover(SOURCE, "total(self)")
    await pointer.hover(SOURCE, "other")
    first, second = pointer.backend.requests
    assert first.priority is Priority.INTERACTIVE
    assert texts(first)[0] == texts(second)[0]
    before, question = texts(first)[1].rsplit("```", 1)
    assert SOURCE in before
    assert question.strip() == "What does the function `total` do?\ndef total(self):"
    assert texts(second)[1].startswith(before)


async def test_a_name_that_is_not_defined_here_is_explained_by_its_line(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    found = await pointer.hover(SOURCE, "sum(")
    assert found.stated is None
    assert found.explanation.text == SAID
    assert texts(pointer.backend.requests[0])[1].endswith("What is `sum` in this line?\nreturn sum(self.prices)")


async def test_a_model_that_fills_holes_writes_the_documentation_that_is_left_out(point, stepped_backend, fim_only):
    pointer = point(stepped_backend(f'{SAID}"""', info=fim_only))
    found = await pointer.hover(SOURCE, "total(self)")
    assert found.explanation.text == SAID
    (request,) = pointer.backend.requests
    assert request.heal
    assert '"""' in request.stop
    assert not any("Add the prices" in getattr(segment, "text", "") for segment in request.prompt)
    assert await pointer.hover(SOURCE, "sum(") is None


async def test_a_small_model_that_only_fills_holes_is_not_asked(point, stepped_backend, fim_only):
    pointer = point(stepped_backend(SAID, info=replace(fim_only, n_params=3_000_000)))
    found = await pointer.hover(SOURCE, "total(self)")
    assert found.stated.signature == "def total(self):"
    assert not found.explanation.text
    assert not pointer.backend.requests


async def test_without_a_model_the_text_alone_is_shown(point, stepped_backend):
    pointer = point(stepped_backend(load_failure=LoadFailed("no room", "ModelTooLargeError")))
    found = await pointer.hover(SOURCE, "total(self)")
    assert found.stated.documentation == "Add the prices."
    assert not found.explanation.text
    assert await pointer.hover(SOURCE, "sum(") is None


async def test_an_operator_or_a_bracket_is_explained_by_what_it_is_of(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    found = await pointer.hover(SOURCE, "(self.prices)")
    assert (found.stated, found.explanation.text) == (None, SAID)
    assert SOURCE[found.subject.start : found.subject.end] == "sum(self.prices)"
    question = texts(pointer.backend.requests[0])[1].rsplit("\n\n", 1)[1]
    assert question == (
        "What does this code do?\n```python\nsum(self.prices)\n```\nIt is a part of this line:\nreturn sum(self.prices)"
    )


async def test_a_selection_is_explained_without_the_white_space_around_it(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    found = await pointer.hover(SOURCE, "    def show", to="total())\n")
    assert found.explanation.text == SAID
    selected = "def show(self):\n        print(self.total())"
    assert SOURCE[found.subject.start : found.subject.end] == selected
    question = "What does this code do?\n```python\n" + selected + "\n```"
    assert texts(pointer.backend.requests[0])[1].endswith(question)


async def test_a_selected_name_is_what_it_stands_for(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    found = await pointer.hover(SOURCE, " show", to="show")
    assert found.stated.signature == "def show(self):"


async def test_a_selection_is_explained_where_there_is_no_grammar(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    found = await pointer.hover("total is here", "is", to="here", language_id="plaintext")
    assert found.explanation.text == SAID


@pytest.mark.parametrize(("at", "to"), [("(self.prices)", None), ("print", "total())")])
async def test_other_code_than_a_name_takes_a_model_that_chats(point, stepped_backend, fim_only, at, to):
    pointer = point(stepped_backend(SAID, info=fim_only))
    assert await pointer.hover(SOURCE, at, to=to) is None
    assert not pointer.backend.requests


@pytest.mark.parametrize(("n_steps", "is_promised"), [(0, False), (2, True)])
async def test_an_explanation_is_promised_where_it_is_known_that_a_model_chats(
    point, stepped_backend, n_steps, is_promised
):
    pointer = point(stepped_backend(SAID, n_steps=n_steps))
    if n_steps:
        await pointer.pool.complete.ready()
    pointer.time_is_up.set()
    found = await pointer.hover(SOURCE, "(self.prices)")
    assert (found is not None and found.is_going_on) == is_promised
    pointer.backend.allow()


@pytest.mark.parametrize(("at", "to"), [("    def total", " " * 4), ("import", SOURCE * 100)])
async def test_of_white_space_and_of_a_whole_book_nothing_is_shown(point, stepped_backend, at, to):
    pointer = point(stepped_backend(SAID))
    assert await pointer.hover(SOURCE * 100, at, to=to) is None


@pytest.mark.parametrize("at", ["    def total", "(self)", "return", "# a", '"""Add', "\n"])
async def test_nothing_is_shown_where_nothing_has_a_value(point, stepped_backend, at):
    pointer = point(stepped_backend(SAID))
    assert await pointer.hover(SOURCE + "x = 1  # a\n", at) is None
    assert not pointer.backend.requests


async def test_nothing_is_shown_in_a_minified_line_or_without_a_grammar(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    assert await pointer.hover("f=1;" * 5000, "f", language_id="javascript") is None
    assert await pointer.hover("total is here", "total", language_id="plaintext") is None


async def test_when_the_budget_ends_whole_sentences_are_shown_and_the_rest_at_the_next_hover(point, stepped_backend):
    pointer = point(stepped_backend(SAID, n_steps=8))  # the load, and seven times four characters
    hover = pointer.hover(SOURCE, "total(self)")
    await pointer.until_said("It adds the prices.")
    pointer.time_is_up.set()
    found = await hover
    assert (found.explanation.text, found.is_going_on) == ("It adds the prices.", True)
    pointer.backend.allow()
    await pointer.until_idle()
    pointer.time_is_up.clear()
    found = await pointer.hover(SOURCE, "total(self)")
    assert (found.explanation.text, found.is_going_on) == (SAID, False)
    assert len(pointer.backend.requests) == 1


async def test_when_the_budget_ends_before_a_word_is_said_the_text_is_shown(point, stepped_backend):
    pointer = point(stepped_backend(SAID, n_steps=0))
    pointer.time_is_up.set()
    found = await pointer.hover(SOURCE, "total(self)")
    assert (found.stated.documentation, found.explanation.text, found.is_going_on) == ("Add the prices.", "", True)


async def test_a_hover_of_the_same_thing_joins_the_one_in_flight(point, stepped_backend):
    pointer = point(stepped_backend(SAID, n_steps=1))
    first, second = pointer.hover(SOURCE, "total(self)"), pointer.hover(SOURCE, "total())")
    await pointer.until(lambda: pointer.backend.requests)
    pointer.backend.allow()
    found = await asyncio.gather(first, second)
    assert [each.explanation.text for each in found] == [SAID, SAID]
    assert len(pointer.backend.requests) == 1


async def test_a_hover_elsewhere_ends_one_that_nobody_waits_for(point, stepped_backend):
    pointer = point(stepped_backend(SAID, n_steps=1))
    pointer.time_is_up.set()
    assert (await pointer.hover(SOURCE, "total(self)")).is_going_on
    await pointer.until(lambda: pointer.backend.requests)
    pointer.time_is_up.clear()
    hover = pointer.hover(SOURCE, "other")
    await pointer.until(lambda: pointer.backend.cancelled)
    pointer.backend.allow()
    assert (await hover).explanation.text == SAID
    first, _second = pointer.backend.requests
    assert pointer.backend.cancelled[0] == first.request_id


async def test_a_hover_elsewhere_leaves_one_alone_that_somebody_waits_for(point, stepped_backend):
    pointer = point(stepped_backend(SAID, n_steps=1))
    first, second = pointer.hover(SOURCE, "total(self)"), pointer.hover(SOURCE, "other")
    await pointer.until(lambda: len(pointer.backend.requests) == 2)
    pointer.backend.allow()
    assert [each.explanation.text for each in await asyncio.gather(first, second)] == [SAID, SAID]


async def test_who_gives_up_before_the_budget_ends_ends_the_work(point, stepped_backend):
    pointer = point(stepped_backend(SAID, n_steps=1))
    hover = pointer.hover(SOURCE, "total(self)")
    await pointer.until(lambda: pointer.backend.requests)
    hover.cancel()
    await pointer.until(lambda: pointer.backend.cancelled)
    await pointer.until_idle()


async def test_of_a_closed_document_nothing_is_explained_any_more(point, stepped_backend):
    pointer = point(stepped_backend(SAID, n_steps=1))
    hover = pointer.hover(SOURCE, "total(self)")
    await pointer.until(lambda: pointer.backend.requests)
    pointer.hovers.forget("file:///a.py")
    assert not (await hover).explanation.text


@pytest.mark.parametrize(
    "answer", ["", "<|endoftext|>", "the sum of " * 100, "x" * 5000, "return self.x", "\x00\ud800"]
)
async def test_of_an_answer_that_is_none_nothing_is_shown(point, stepped_backend, answer):
    pointer = point(stepped_backend(answer))
    found = await pointer.hover(SOURCE, "total(self)")
    assert found.stated.signature == "def total(self):"
    assert not found.explanation.text
    assert not found.is_going_on


async def test_an_engine_that_fails_leaves_what_the_text_says(point, stepped_backend):
    def fail(_prompt):
        raise ValueError("broken")

    pointer = point(stepped_backend(fail))
    found = await pointer.hover(SOURCE, "total(self)")
    assert found.stated.documentation == "Add the prices."
    assert not found.explanation.text


async def test_edits_elsewhere_do_not_matter_and_edits_within_do(point, stepped_backend):
    pointer = point(stepped_backend(SAID))
    await pointer.hover(SOURCE, "total(self)")
    await pointer.hover("import sys\n" + SOURCE + "\nx = 1\n", "total(self)")
    assert len(pointer.backend.requests) == 1
    await pointer.hover(SOURCE.replace("prices)", "costs)"), "total(self)")
    assert len(pointer.backend.requests) == 2


async def test_an_explanation_survives_a_restart_where_it_may_be_kept(point, stepped_backend):
    shelf = Shelf()
    await point(stepped_backend(SAID), shelf).hover(SOURCE, "total(self)")
    later = point(stepped_backend("Other words are here."), shelf.restarted())
    assert (await later.hover(SOURCE, "total(self)")).explanation.text == SAID
    assert not later.backend.requests


async def test_nothing_of_a_document_that_may_not_be_kept_reaches_the_store(point, stepped_backend):
    shelf = Shelf()
    pointer = point(stepped_backend(SAID), shelf)
    await pointer.hover(SOURCE, "total(self)", kept=False)
    assert not shelf.disk
    assert not pointer.backend.requests[0].keep
    await pointer.hover(SOURCE, "total(self)", kept=False)
    assert len(pointer.backend.requests) == 1


async def test_reading_what_is_kept_does_not_block_the_loop(point, stepped_backend):
    shelf = Shelf()
    await point(stepped_backend(SAID), shelf).hover(SOURCE, "total(self)")
    slow = shelf.restarted()
    slow.held = True
    pointer = point(stepped_backend("Other words are here."), slow)
    hover = pointer.hover(SOURCE, "total(self)")
    await asyncio.to_thread(slow.asked.wait)
    assert not hover.done()
    pointer.time_is_up.set()
    assert (await hover).is_going_on
    slow.release()
    await pointer.until_idle()
    pointer.time_is_up.clear()
    assert (await pointer.hover(SOURCE, "total(self)")).explanation.text == SAID


async def test_a_model_is_told_to_answer_in_the_users_language(point, stepped_backend, monkeypatch):
    monkeypatch.setattr(type(ENGLISH), "name", property(lambda _self: "Russian"))
    pointer = point(stepped_backend("Складывает цены."))
    assert (await pointer.hover(SOURCE, "total(self)")).explanation.text == "Складывает цены."
    assert texts(pointer.backend.requests[0])[1].endswith("Answer in Russian.")
