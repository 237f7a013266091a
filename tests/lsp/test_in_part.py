"""Who has waited long enough gets what there is of a suggestion, and the rest where it is wanted."""

from __future__ import annotations

import pytest
from asked_backend import Asked

pytestmark = pytest.mark.asyncio

SAID = "total(amount, 1)"
BODY = "first(a)\n    second(b)\n    third(c)\n"


@pytest.fixture
def asking(connect, inline_capabilities):
    """An editor whose server decodes so many tokens of four characters and then holds still."""

    async def start(n_tokens, said=SAID, text="x = \n", language="plaintext", **completion):
        options = {"look_ahead": False, "answer_after_ms": 1, **completion}
        editor = connect(Asked(said, n_tokens=n_tokens), {"completion": options})
        await editor.initialize({**inline_capabilities, "experimental": {"pylotCompletionStats": True}})
        editor.server.session.power_watch.cancel()
        editor.server.session.power.is_battery = False
        editor.open(text, language=language)
        await editor.settled()
        return editor

    return start


async def test_what_there_is_is_answered_in_whole_words(asking):
    editor = await asking(2)  # total(am
    assert await editor.suggestion(0, 4) == "total("
    (stats,) = [note["params"]["usage"] for note in editor.notifications if note["method"] == "pylot/completion"]
    assert stats["tokens_decoded"] == 2


async def test_nothing_is_answered_before_there_is_a_word(asking):
    editor = await asking(1)  # tota
    question = editor.ask(0, 4)
    await editor.backend.holding()
    assert not question.done()
    editor.backend.resume()
    assert (await question)["result"]["items"][0]["insertText"] == SAID


async def test_of_several_lines_the_whole_ones_are_answered(asking):
    text = "def f():\n    \n"
    editor = await asking(6, BODY, text, "python")
    await editor.suggestion(1, 4)
    await editor.backend.holding()
    # By now it is more.
    assert await editor.suggestion(1, 4) == "first(a)\n    second(b)"
    assert len(editor.backend.requests) == 1


async def test_who_types_along_a_part_gets_the_rest_when_it_is_there_and_asks_the_model_nothing(asking):
    editor = await asking(2)
    assert await editor.suggestion(0, 4) == "total("
    editor.change(2, "tot", (0, 4), (0, 4))
    assert await editor.suggestion(0, 7) == "al("
    editor.backend.resume()
    await editor.settled()
    editor.change(3, "al(a", (0, 7), (0, 7))
    assert await editor.suggestion(0, 11) == SAID[7:]
    assert len(editor.backend.requests) == 1
    assert not editor.backend.cancelled


async def test_who_accepts_a_part_gets_the_rest(asking):
    editor = await asking(2)
    part = await editor.suggestion(0, 4)
    editor.change(2, part, (0, 4), (0, 4))
    question = editor.ask(0, 4 + len(part))
    editor.backend.resume()
    assert (await question)["result"]["items"][0]["insertText"] == SAID[len(part) :]
    assert len(editor.backend.requests) == 1


async def test_who_types_something_else_than_a_part_ends_what_is_decoded(asking):
    editor = await asking(2)
    await editor.suggestion(0, 4)
    editor.change(2, "y", (0, 4), (0, 4))
    question = editor.ask(0, 5)
    await editor.backend.has_cancelled.wait()
    editor.backend.resume()
    assert (await question)["result"]["items"][0]["insertText"] == SAID
    assert len(editor.backend.requests) == 2


@pytest.mark.parametrize("completion", [{"answer_after_ms": 0}, {}])
async def test_by_hand_and_where_the_user_says_so_the_answer_is_whole(asking, completion):
    editor = await asking(2, **completion)
    params = {"textDocument": {"uri": "file:///project/a.py"}, "position": {"line": 0, "character": 4}}
    kind = 2 if completion else 1
    question = editor.request("textDocument/inlineCompletion", {**params, "context": {"triggerKind": kind}})
    await editor.backend.holding()
    assert not question.done()
    editor.backend.resume()
    assert (await question)["result"]["items"][0]["insertText"] == SAID


async def test_who_cancels_before_there_is_a_word_ends_the_work(asking):
    editor = await asking(1, eagerness="request")
    question = editor.ask(0, 4)
    await editor.backend.holding()
    editor.notify("$/cancelRequest", {"id": question.msg_id})
    assert (await question)["error"]["code"] == -32800
    await editor.backend.has_cancelled.wait()


async def test_a_newer_question_ends_the_wait_for_a_part(asking):
    editor = await asking(1)
    question = editor.ask(0, 4)
    await editor.backend.holding()
    editor.change(2, "y", (0, 4), (0, 4))
    newer = editor.ask(0, 5)
    assert (await question)["result"] is None
    editor.backend.resume()
    assert (await newer)["result"]["items"][0]["insertText"] == SAID
