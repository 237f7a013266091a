"""While the editor's own list is open, what is suggested goes on behind its selected entry."""

from __future__ import annotations

from datetime import date

import pytest

from pylot_ls.config.feedback import feedback_log
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.features.feedback import Verdict
from pylot_ls.text.position import PositionEncoding

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"
INVOKED, AUTOMATIC = 1, 2


def last_line(prompt):
    middle = [part.text for part in prompt if isinstance(part, TextSegment)][-1]
    return middle.rpartition("\n")[2]


class Echoing(ScriptedBackend):
    """Answers the line up to the cursor between marks, and keeps what it was asked about."""

    def __init__(self):
        self.lines = []
        super().__init__(self._echo)

    def _echo(self, prompt):
        self.lines.append(last_line(prompt))
        return f"<{self.lines[-1]}>"


@pytest.fixture
def started(connect):
    async def start(text, backend=None, capabilities=None, **settings):
        editor = connect(backend or Echoing(), {"completion": {"look_ahead": False, **settings}})
        await editor.initialize(capabilities)
        editor.open(text)
        await editor.settled()
        return editor

    return start


def ask(editor, position, text, start, end, kind=AUTOMATIC):
    places = [dict(zip(("line", "character"), place, strict=True)) for place in (position, start, end)]
    entry = {"range": {"start": places[1], "end": places[2]}, "text": text}
    context = {"triggerKind": kind, "selectedCompletionInfo": entry}
    params = {"textDocument": {"uri": URI}, "position": places[0], "context": context}
    return editor.request("textDocument/inlineCompletion", params)


async def items(*arguments, **options):
    answer = await ask(*arguments, **options)
    return answer["result"]["items"]


@pytest.mark.parametrize(
    ("line", "cursor", "text", "start", "end", "asked"),
    [
        # The entry begins with what is typed, and ends at the cursor, or with the word;
        ("x = con\n", 7, "console", 4, 7, "x = console"),
        ("x = con.log\n", 7, "console", 4, 7, "x = console"),
        ("x = consul\n", 7, "console", 4, 10, "x = console"),
        # it takes the dot with it, or is written otherwise than what was typed;
        ("console.\n", 8, ".log", 7, 8, "console.log"),
        ("x = cnsl\n", 8, "console", 4, 8, "x = console"),
        # nothing is typed yet;
        ("x = \n", 4, "console", 4, 4, "x = console"),
        # all of it is typed;
        ("x = console\n", 11, "console", 4, 11, "x = console"),
        # it has several lines, or characters outside the basic plane.
        ("x\n", 1, "if a:\n    b", 0, 1, "    b"),
        ("a = '😀' + na\n", 13, "na😀", 11, 13, "a = '😀' + na😀"),
    ],
)
async def test_the_suggestion_is_for_the_text_with_the_entry_and_begins_with_it(
    started, line, cursor, text, start, end, asked
):
    editor = await started(f"{line}y = 1\n")
    (item,) = await items(editor, (0, cursor), text, (0, start), (0, end))
    assert editor.backend.lines == [asked]
    assert item["insertText"] == f"{text}<{asked}>"
    assert item["range"] == {"start": {"line": 0, "character": start}, "end": {"line": 0, "character": end}}


async def test_what_stands_behind_the_entry_is_not_suggested_again(started):
    editor = await started("x = fo(a, b)\n", ScriptedBackend("(a, b)"))
    assert await items(editor, (0, 6), "foo", (0, 4), (0, 6)) == []
    editor = await started("x = fo, b)\n", ScriptedBackend("(a, b)"))
    (item,) = await items(editor, (0, 6), "foo", (0, 4), (0, 6))
    assert item["insertText"] == "foo(a"


async def test_who_asks_by_hand_gets_several_that_begin_with_the_entry(started):
    editor = await started("x = fo\n", ScriptedBackend("(a)", others=["[b]", ".c"]))
    found = await items(editor, (0, 6), "foo", (0, 4), (0, 6), kind=INVOKED)
    assert [item["insertText"] for item in found] == ["foo(a)", "foo[b]", "foo.c"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((0, 0), (0, 3)),  # before the cursor
        ((0, 8), (0, 9)),  # behind it
        ((0, 7), (0, 4)),  # the wrong way round
        ((0, 4), (1, 2)),  # on two lines
        ((1, 0), (1, 2)),  # on another one
        ((0, 4), (0, 99)),  # beyond the line's end
        ((9, 0), (9, 0)),  # beyond the document's
    ],
)
@pytest.mark.parametrize("kind", [INVOKED, AUTOMATIC])
async def test_an_entry_that_cannot_stand_at_the_cursor_has_no_suggestion(started, start, end, kind):
    editor = await started("x = con + 1\ny = 1\n")
    assert await items(editor, (0, 7), "console", start, end, kind=kind) == []
    assert editor.backend.lines == []


@pytest.mark.parametrize("encoding", PositionEncoding)
async def test_half_a_character_is_no_place_for_an_entry(started, encoding):
    editor = await started("'😀' + na\n", capabilities={"general": {"positionEncodings": [encoding.value]}})
    n_units = {PositionEncoding.UTF8: 4, PositionEncoding.UTF16: 2, PositionEncoding.UTF32: 1}[encoding]
    cursor = n_units + 7
    (item,) = await items(editor, (0, cursor), "name", (0, cursor - 2), (0, cursor))
    assert item["insertText"] == "name<'😀' + name>"
    is_whole = n_units == 1
    assert bool(await items(editor, (0, cursor), "name", (0, 2), (0, cursor))) == is_whole


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "a\r\nb", "x" * 20_000])
async def test_no_entry_is_an_error(started, text):
    editor = await started("x = con\n", ScriptedBackend("a"))
    answer = await ask(editor, (0, 7), text, (0, 4), (0, 7))
    assert "error" not in answer
    assert all(item["insertText"] == f"{text}a" for item in answer["result"]["items"])


async def test_another_entry_is_another_question_and_the_same_one_is_not(started):
    backend = Echoing()
    editor = await started("x = con\n", backend)
    backend.pause()
    first = ask(editor, (0, 7), "console", (0, 4), (0, 7))
    same = ask(editor, (0, 7), "console", (0, 4), (0, 7))
    # As long as the other one, so that only its letters tell them apart.
    other = ask(editor, (0, 7), "consult", (0, 4), (0, 7))
    backend.resume()
    assert (await first)["result"] is None
    assert (await same)["result"] is None
    assert (await other)["result"]["items"][0]["insertText"] == "consult<x = consult>"
    joined = [ask(editor, (0, 7), "consult", (0, 4), (0, 7)) for _ in range(2)]
    assert [(await each)["result"]["items"][0]["insertText"] for each in joined] == ["consult<x = consult>"] * 2
    assert editor.backend.lines[-1:] == ["x = consult"]


async def test_without_the_list_the_document_itself_is_completed(started):
    editor = await started("x = con\n")
    await items(editor, (0, 7), "console", (0, 4), (0, 7))
    assert await editor.suggestion(0, 7) == "<x = con>"
    assert await items(editor, (0, 7), "consult", (0, 4), (0, 7))
    assert editor.backend.lines == ["x = console", "x = con", "x = consult"]


async def test_who_types_on_with_the_same_entry_or_accepts_it_finds_what_was_suggested(started):
    editor = await started("x = c\n", eagerness="request")
    (first,) = await items(editor, (0, 5), "console", (0, 4), (0, 5))
    assert first["insertText"] == "console<x = console>"
    for n, character in enumerate("onsole", 1):
        editor.change(1 + n, character, (0, 4 + n), (0, 4 + n))
        (item,) = await items(editor, (0, 5 + n), "console", (0, 4), (0, 5 + n))
        assert item["insertText"] == first["insertText"]
    assert await editor.suggestion(0, 11) == "<x = console>"
    editor.change(9, "<x", (0, 11), (0, 11))
    assert await editor.suggestion(0, 13) == " = console>"
    assert editor.backend.lines == ["x = console"]


async def test_an_entry_of_a_notebooks_cell_stands_in_that_cell(started):
    asked = []
    editor = await started("# nothing\n", ScriptedBackend(lambda prompt: asked.append(last_line(prompt)) or "(1)"))
    cells = [{"kind": 2, "document": f"file:///n#{n}"} for n in range(2)]
    documents = [
        {"uri": f"file:///n#{n}", "languageId": "python", "version": 1, "text": text}
        for n, text in enumerate(["import os", "x = con"])
    ]
    notebook = {"uri": "file:///n", "notebookType": "jupyter", "version": 1, "cells": cells}
    editor.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": documents})
    places = [{"line": 0, "character": 4}, {"line": 0, "character": 7}]
    entry = {"range": {"start": places[0], "end": places[1]}, "text": "console"}
    context = {"triggerKind": AUTOMATIC, "selectedCompletionInfo": entry}
    params = {"textDocument": {"uri": "file:///n#1"}, "position": places[1], "context": context}
    (item,) = (await editor.request("textDocument/inlineCompletion", params))["result"]["items"]
    assert item["insertText"] == "console(1)"
    assert asked == ["x = console"]


async def logged(editor):
    await editor.server.session.close()
    totals = feedback_log().totals(date.min)
    return [(each.verdict, each.n_suggestions, each.n_accepted) for each in totals]


async def test_what_is_accepted_with_the_entry_counts_and_tells_the_log_where_it_stands(started):
    editor = await started("x = co\n", ScriptedBackend("(1)"))
    (item,) = await items(editor, (0, 6), "console", (0, 4), (0, 6))
    editor.change(2, item["insertText"], (0, 4), (0, 6))
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, len("nsole(1)"))]


async def test_an_entry_that_is_written_otherwise_counts_when_the_editor_tells(started):
    editor = await started("x = cnsl\n", ScriptedBackend("(1)"))
    (item,) = await items(editor, (0, 8), "console", (0, 4), (0, 8))
    editor.change(2, item["insertText"], (0, 4), (0, 8))
    await editor.request(
        "workspace/executeCommand", {"command": "pylot.accepted", "arguments": item["command"]["arguments"]}
    )
    ((verdict, n, _),) = await logged(editor)
    assert (verdict, n) == (Verdict.ACCEPTED, 1)
