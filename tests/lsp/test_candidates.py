"""Several suggestions for who asks by hand, through the whole server."""

from __future__ import annotations

from datetime import date

import pytest
from held_candidates import HeldCandidates

from pylot_ls.config.feedback import feedback_log
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import Priority
from pylot_ls.features.feedback import Verdict

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"
ANSWERS = ["first(1)", "second(2)", "third(3)"]
INVOKED, AUTOMATIC = 1, 2


@pytest.fixture
def backend(watched_backend):
    return watched_backend(ANSWERS[0], others=ANSWERS[1:])


@pytest.fixture
def started(connect, backend):
    async def start(text="x = \ny = 1\n", **settings):
        editor = connect(backend, settings)
        await editor.initialize()
        editor.open(text, language="python")
        await editor.settled()
        return editor

    return start


def ask(editor, character, kind=INVOKED, line=0):
    params = {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}
    return editor.request("textDocument/inlineCompletion", {**params, "context": {"triggerKind": kind}})


async def items(editor, character, kind=INVOKED):
    result = (await ask(editor, character, kind))["result"]
    return result["items"] if result else []


async def texts(editor, character, kind=INVOKED):
    return [item["insertText"] for item in await items(editor, character, kind)]


async def logged(editor):
    await editor.server.session.close()
    totals = feedback_log().totals(date.min)
    return [(each.verdict, each.n_suggestions, each.n_accepted) for each in totals]


async def test_each_has_its_own_id_and_all_stand_at_the_cursor(started):
    editor = await started()
    found = await items(editor, 4)
    assert [item["insertText"] for item in found] == ANSWERS
    here = {"line": 0, "character": 4}
    assert all(item["range"] == {"start": here, "end": here} for item in found)
    assert {item["command"]["command"] for item in found} == {"pylot.accepted"}
    assert len({item["command"]["arguments"][0] for item in found}) == 3


async def test_who_does_not_ask_by_hand_gets_one(started, backend):
    editor = await started("x = \ny = \n", completion={"fallback": "always"})
    assert await texts(editor, 4, AUTOMATIC) == ANSWERS[:1]
    params = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 4}, "context": {"triggerKind": 1}}
    assert len((await editor.request("textDocument/completion", params))["result"]["items"]) == 1
    await editor.settled()
    assert {(await backend.asked.get()).rank for _ in backend.submitted} == {0}


async def test_in_an_empty_file_and_within_a_word_too(started):
    editor = await started("")
    assert await texts(editor, 0) == ANSWERS
    editor.change(2, "valu = z\n")
    # Behind brackets the rest of the word would be an error.
    assert await texts(editor, 3) == ["first", "second", "third"]


async def test_one_that_is_accepted_is_the_one_that_counts(started):
    editor = await started()
    found = await items(editor, 4)
    editor.change(2, ANSWERS[1], (0, 4), (0, 4))
    command = found[1]["command"]
    await editor.request("workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]})
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, len(ANSWERS[1]))]


async def test_three_that_nobody_takes_are_one_that_was_ignored(started):
    editor = await started()
    await items(editor, 4)
    editor.change(2, "2", (1, 4), (1, 5))
    assert await logged(editor) == [(Verdict.IGNORED, 1, 0)]


@pytest.mark.parametrize("chosen", ANSWERS)
async def test_who_types_along_any_of_them_gets_the_rest_of_it_with_nothing_asked(started, backend, chosen):
    editor = await started(completion={"look_ahead": False})
    await items(editor, 4)
    for n, character in enumerate(chosen[:-1], 1):
        editor.change(1 + n, character, (0, 3 + n), (0, 3 + n))
        await editor.settled()
        assert await texts(editor, 4 + n, AUTOMATIC) == [chosen[n:]]
    for n in range(len(chosen) - 2, -1, -1):
        editor.change(40 - n, "", (0, 4 + n), (0, 5 + n))
        assert await texts(editor, 4 + n, AUTOMATIC) == [chosen[n:]]
    assert len(backend.submitted) == 3


async def test_who_asks_again_in_the_same_place_gets_them_again_and_elsewhere_others(started, backend):
    editor = await started("x = \n" + "y = 1\n" * 9, completion={"look_ahead": False})
    await items(editor, 4)
    editor.change(2, "# ", (8, 0), (8, 0))
    assert await texts(editor, 4) == ANSWERS
    assert len(backend.submitted) == 3
    editor.change(3, "f", (0, 4), (0, 4))
    assert await texts(editor, 5) == ANSWERS
    assert len(backend.submitted) == 6


async def test_what_follows_the_first_is_prepared_as_the_editor_will_ask_for_it(started, backend):
    # What is accepted ends within a name, to which more may be added.
    editor = await started("x = \n", completion={"eagerness": "keystroke", "maxTokens": 1})
    assert (await texts(editor, 4))[0] == "firs"
    await editor.settled()
    assert len(backend.submitted) == 4
    editor.change(2, "firs", (0, 4), (0, 4))
    await editor.settled()
    assert await texts(editor, 8, AUTOMATIC) == ["firs"]
    await editor.settled()
    requests = [await backend.asked.get() for _ in backend.submitted]
    assert [request.rank for request in requests] == [0, 1, 2, 0, 0]
    assert [request.priority for request in requests] == [Priority.KEYSTROKE] * 3 + [Priority.BACKGROUND] * 2


@pytest.mark.parametrize("how", ["cancelled", "superseded by an edit", "superseded by a question"])
async def test_the_end_of_the_question_ends_them_all(connect, how):
    backend = HeldCandidates()
    editor = connect(backend)
    await editor.initialize()
    editor.open("x = \n", language="python")
    await editor.settled()
    asked = ask(editor, 4)
    await backend.has_all.wait()
    assert backend.ranks == [0, 1, 2]
    if how == "cancelled":
        editor.notify("$/cancelRequest", {"id": asked.msg_id})
        assert (await asked)["error"]["code"] == -32800
    elif how == "superseded by an edit":
        editor.change(2, "y = 1\n" * 3, (0, 0), (0, 0))
        assert (await asked)["result"] is None
    else:
        ask(editor, 0, AUTOMATIC)
        assert (await asked)["result"] is None
    # The first may be said by then, but for its end.
    await backend.others_are_cancelled.wait()
    backend.resume()


async def test_one_that_fails_is_left_out_and_nobody_is_told(connect):
    def fails(_prompt):
        raise RuntimeError("no memory")

    editor = connect(ScriptedBackend("a", others=[fails, "c"]))
    await editor.initialize()
    editor.open("x = \n", language="python")
    assert await texts(editor, 4) == ["a", "c"]
    assert not editor.messages()
