"""``pylot-ls.regenerate``: the next suggestion for a place, which the editor then gets when it asks there."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"
ANSWERS = ["first(1)", "second(2)", "third(3)"]
INVALID_PARAMS = -32602


@pytest.fixture
def started(connect, watched_backend):
    async def start(text="x = \ny = 1\n", answers=ANSWERS, **settings):
        editor = connect(watched_backend(answers[0], others=answers[1:]), settings)
        await editor.initialize()
        editor.open(text, language="python")
        await editor.settled()
        return editor

    return start


def at(line, character):
    return {"line": line, "character": character}


async def regenerate(editor, line=0, character=4):
    params = {"command": "pylot-ls.regenerate", "arguments": [URI, at(line, character)]}
    return (await editor.request("workspace/executeCommand", params))["result"]


async def test_each_time_another_one_comes_in_a_circle(started):
    editor = await started()
    assert await editor.suggestion(0, 4) == ANSWERS[0]
    assert [(await regenerate(editor))["insertText"] for _ in range(4)] == [*ANSWERS[1:], *ANSWERS[:2]]


async def test_the_editor_gets_it_when_it_asks_there_again(started):
    editor = await started()
    for expected in (*ANSWERS, ANSWERS[0]):
        assert await editor.suggestion(0, 4) == expected
        await regenerate(editor)


async def test_the_model_is_asked_once_for_all_of_them(started):
    editor = await started()
    for _ in range(5):
        await regenerate(editor)
    assert len(editor.backend.submitted) == 3


async def test_what_is_typed_along_the_new_one_leaves_the_rest_of_it(started):
    editor = await started()
    await editor.suggestion(0, 4)
    await regenerate(editor)
    editor.change(2, "sec", (0, 4), (0, 4))
    assert await editor.suggestion(0, 7) == "ond(2)"


async def test_it_comes_as_an_item_at_the_cursor_with_the_command_that_tells_acceptance(started):
    editor = await started()
    item = await regenerate(editor)
    assert item["range"] == {"start": at(0, 4), "end": at(0, 4)}
    assert item["command"]["command"] == "pylot.accepted"


async def test_after_an_edit_it_begins_anew(started):
    editor = await started()
    assert (await regenerate(editor))["insertText"] == ANSWERS[1]
    editor.change(2, "# c\n", (1, 0), (1, 0))
    assert (await regenerate(editor))["insertText"] == ANSWERS[1]


async def test_where_there_is_no_other_nothing_comes(started):
    editor = await started(answers=["only(1)"])
    assert await regenerate(editor) is None
    assert await editor.suggestion(0, 4) == "only(1)"


async def test_where_nothing_is_suggested_nothing_comes(started):
    editor = await started(completion={"languages_off": ["python"]})
    assert await regenerate(editor) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([URI], "params.arguments: missing a required argument: 'position'"),
        ([URI, [0, 4]], "params.arguments[1]: is not valid, expected an object"),
        ([URI, {"line": 0}], "params.arguments[1].character: is missing"),
        ([URI, {"line": -1, "character": 0}], "params.arguments[1]: should be in range"),
        ([URI, at(3, 0)], "params.arguments[1]: line 3 is outside the document, which has 3 lines, counted from 0"),
        (["file:///b.py", at(0, 0)], "params.arguments[0]: no document with this URI is open; open it first"),
    ],
)
async def test_wrong_arguments_are_named(started, arguments, message):
    editor = await started()
    params = {"command": "pylot-ls.regenerate", "arguments": arguments}
    error = (await editor.request("workspace/executeCommand", params))["error"]
    assert (error["code"], error["message"][: len(message)]) == (INVALID_PARAMS, message)
