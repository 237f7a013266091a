"""``pylot-ls.explain`` and ``pylot-ls.ask``: the answer in parts and whole, and what they refuse."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pylot_ls.engine.prompt_types import ChatSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.engine.types import LoadFailed

pytestmark = pytest.mark.asyncio

URI = "file:///project/%D1%84%D0%B0%D0%B9%D0%BB.py"
TEXT = "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n"
INVALID_PARAMS, REQUEST_FAILED, CANCELLED = -32602, -32803, -32800
# A model that only completes.
COMPLETES = replace(SCRIPTED_MODEL, chats=False)
BODY = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 16}}
CURSOR = {"start": {"line": 1, "character": 6}, "end": {"line": 1, "character": 6}}


@pytest.fixture
def started(connect):
    async def start(backend, text=TEXT, locale="en"):
        editor = connect(backend)
        await editor.request("initialize", {"processId": None, "capabilities": {}, "locale": locale})
        editor.notify("initialized", {})
        editor.open(text, uri=URI, language="python")
        await editor.settled()
        return editor

    return start


def run(editor, command, *arguments, **tokens):
    params = {"command": f"pylot-ls.{command}", "arguments": list(arguments), **tokens}
    return editor.request("workspace/executeCommand", params)


def said_to(prompt):
    """The messages of a conversation, by role."""
    (segment,) = prompt
    return {message.role: "".join(part.text for part in message.content) for message in segment.messages}


class Asked(ScriptedBackend):
    """Keeps what it was asked."""

    def __init__(self, answer="It adds two numbers.", **others):
        super().__init__(self._answer_to, **others)
        self.prompts = []
        self._text = answer

    def _answer_to(self, prompt):
        self.prompts.append(prompt)
        return self._text


def progress(editor):
    return [note["params"] for note in editor.notifications if note["method"] == "$/progress"]


async def test_a_part_is_explained_with_the_document_first_and_the_question_last(started):
    backend = Asked()
    editor = await started(backend)
    answer = await run(editor, "explain", URI, BODY)
    assert answer["result"] == {"text": "It adds two numbers.", "is_complete": True, "language": "en"}
    said = said_to(backend.prompts[-1])
    assert said["user"].endswith("Answer in English.")
    assert said["user"].startswith(f"файл.py (python):\n```python\n{TEXT}")
    assert "\n```python\nreturn a + b\n```\n" in said["user"]


async def test_where_nothing_is_selected_the_line_is_explained(started):
    backend = Asked()
    editor = await started(backend)
    await run(editor, "explain", URI, CURSOR)
    assert said_to(backend.prompts[-1])["user"].endswith("\n```python\n    return a + b\n```\nAnswer in English.")


async def test_a_question_is_asked_about_a_part_or_about_all(started):
    backend = Asked()
    editor = await started(backend, locale="ru-RU")
    answer = await run(editor, "ask", URI, BODY, "Почему не сумма?")
    assert answer["result"]["language"] == "ru-RU"
    said = said_to(backend.prompts[-1])
    assert said["user"].endswith("Answer in Russian.")
    assert "Почему не сумма?\n\nThe question is about this part" in said["user"]
    await run(editor, "ask", URI, CURSOR, "למה?")
    assert said_to(backend.prompts[-1])["user"].endswith("\n\nלמה?\nAnswer in Russian.")


async def test_two_questions_about_one_document_begin_alike(started):
    backend = Asked()
    editor = await started(backend)
    await run(editor, "explain", URI, BODY)
    await run(editor, "ask", URI, CURSOR, "What else?")
    first, second = (said_to(prompt)["user"] for prompt in backend.prompts[-2:])
    end = first.index("\n```\n\n")
    assert first[:end] == second[:end]


@pytest.mark.parametrize("text", ["שלום עולם 👩‍👩‍👧 漢字 مرحبا", "a\n\nb", "  x"])
async def test_an_answer_comes_in_parts_where_the_client_wants_them_and_whole_at_the_end(started, text):
    editor = await started(Asked(text))
    answer = await run(editor, "explain", URI, BODY, partialResultToken="p", workDoneToken=7)
    parts = [each["value"] for each in progress(editor) if each["token"] == "p"]
    assert "".join(parts) == answer["result"]["text"] == text.strip()
    assert len(parts) >= 1
    kinds = [each["value"]["kind"] for each in progress(editor) if each["token"] == 7]
    assert kinds == ["begin", "end"]


async def test_the_line_that_is_written_is_shown_as_progress_where_there_are_no_parts(started):
    editor = await started(Asked("first line\nsecond"), locale="ru")
    await run(editor, "explain", URI, BODY, workDoneToken="w")
    values = [each["value"] for each in progress(editor)]
    assert values[0] == {"kind": "begin", "title": "модель отвечает"}
    assert [value["message"] for value in values[1:-1]][-1] == "second"
    assert values[-1] == {"kind": "end"}


async def test_a_client_without_tokens_gets_the_answer_alone(started):
    editor = await started(Asked())
    await run(editor, "explain", URI, BODY)
    assert progress(editor) == []


async def test_the_part_is_quoted_in_a_fence_that_it_does_not_close_and_a_long_one_shortened(started):
    backend = Asked()
    editor = await started(backend, "x = '''\n```\n'''\n" + "y = 1\n" * 2000)
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 2000, "character": 0}}
    await run(editor, "explain", URI, whole)
    question = said_to(backend.prompts[-1])["user"].rpartition("in a few sentences:\n")[2]
    assert question.startswith("````python\nx = '''\n```\n'''\n")
    assert "\n...\n" in question
    assert len(question) < 2500


async def test_notebook_cells_are_asked_about_in_their_notebook(started):
    backend = Asked()
    editor = await started(backend)
    cells = [{"kind": 2, "document": f"cell:{n}"} for n in (1, 2)]
    texts = [
        {"uri": f"cell:{n}", "languageId": "python", "version": 1, "text": text}
        for n, text in ((1, "import os\n"), (2, "os.getcwd()\n"))
    ]
    notebook = {"uri": "file:///n.ipynb", "notebookType": "jupyter", "version": 1, "cells": cells}
    editor.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": texts})
    await run(editor, "explain", "cell:2", {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 2}})
    said = said_to(backend.prompts[-1])["user"]
    assert "import os" in said
    assert said.endswith("\n```python\nos\n```\nAnswer in English.")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Sure.<|im_end|> and a lot of other text that nobody is to see, on and on", "Sure."),
        ("no " * 400, None),
    ],
)
async def test_special_tokens_and_endless_repetition_end_an_answer(started, text, left):
    editor = await started(Asked(text))
    result = (await run(editor, "explain", URI, BODY))["result"]
    assert result["text"] == left or (left is None and len(result["text"]) < 100 and not result["is_complete"])


@pytest.mark.parametrize("text", ["", " \n", "<|im_end|>"])
async def test_an_empty_answer_is_a_clear_error(started, text):
    editor = await started(Asked(text), locale="ru")
    error = (await run(editor, "explain", URI, BODY))["error"]
    assert error["code"] == REQUEST_FAILED
    assert error["message"] == "модель ничего не ответила; спросите другими словами или выберите другую модель"


async def test_a_model_that_only_completes_explains_the_definition_around(started):
    backend = Asked('They are added. So it is.\n\n    More."""', info=COMPLETES)
    editor = await started(backend)
    answer = await run(editor, "explain", URI, CURSOR, partialResultToken="p")
    assert answer["result"] == {"text": "They are added. So it is.", "is_complete": True, "language": "en"}
    assert [each["value"] for each in progress(editor)] == ["They are added. So it is."]
    (prompt,) = backend.prompts
    assert not any(isinstance(segment, ChatSegment) for segment in prompt)


async def test_what_a_model_that_only_completes_cannot_explain_is_said(started):
    editor = await started(Asked(info=COMPLETES))
    outside = {"start": {"line": 4, "character": 0}, "end": {"line": 4, "character": 5}}
    error = (await run(editor, "explain", URI, outside))["error"]
    assert error["code"] == REQUEST_FAILED
    assert error["message"].startswith("this model explains functions and classes alone")
    useless = await started(Asked("<|im_end|>", info=COMPLETES))
    error = (await run(useless, "explain", URI, CURSOR))["error"]
    assert error["message"] == "the model said nothing worth reading; choose another model"


@pytest.mark.parametrize(("command", "more"), [("explain", []), ("ask", ["Why?"])])
async def test_without_a_model_that_is_able_to_it_is_said_what_to_do(started, command, more):
    editor = await started(Asked(info=replace(SCRIPTED_MODEL, chats=False, fim=None)))
    error = (await run(editor, command, URI, BODY, *more, workDoneToken="w"))["error"]
    assert (error["code"], "pylot-ls models use NAME --role chat" in error["message"]) == (REQUEST_FAILED, True)
    assert [each["value"]["kind"] for each in progress(editor)] == ["begin", "end"]


async def test_without_a_model_the_reason_is_said(started):
    editor = await started(ScriptedBackend(load_failure=LoadFailed("no model at x", "ModelNotFoundError")))
    error = (await run(editor, "ask", URI, BODY, "why?"))["error"]
    assert (error["code"], error["message"]) == (REQUEST_FAILED, "no model at x")
    assert editor.messages() == ["pylot-ls: no model at x"]


async def test_a_cancelled_question_ends_the_models_work(started, watched_backend):
    backend = watched_backend("a b c d")
    editor = await started(backend)
    backend.pause()
    answer = run(editor, "explain", URI, BODY)
    await backend.asked.get()
    editor.notify("$/cancelRequest", {"id": answer.msg_id})
    assert (await answer)["error"]["code"] == CANCELLED
    assert backend.cancelled == backend.submitted


async def test_a_document_closed_during_the_question_does_not_harm(started, watched_backend):
    backend = watched_backend("fine")
    editor = await started(backend)
    backend.pause()
    answer = run(editor, "explain", URI, BODY)
    await backend.asked.get()
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    backend.resume()
    assert (await answer)["result"]["text"] == "fine"


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("explain", [], "params.arguments: missing a required argument: 'uri'"),
        ("explain", [URI, BODY, "more"], "params.arguments: too many positional arguments"),
        ("explain", [5, BODY], "params.arguments[0]: is not valid, expected a string with something in it"),
        (
            "explain",
            ["file:///other.py", BODY],
            "params.arguments[0]: no document with this URI is open; open it first",
        ),
        ("explain", [URI, None], "params.arguments[1]: is not valid"),
        ("explain", [URI, "1-2"], "params.arguments[1]: is not valid"),
        ("explain", [URI, {"start": {"line": 0, "character": 0}}], "params.arguments[1].end: is missing"),
        (
            "explain",
            [URI, {"start": {"line": "0", "character": 0}, "end": {"line": 0, "character": 0}}],
            "params.arguments[1].start.line: is not valid, expected an integer",
        ),
        (
            "explain",
            [URI, {"start": {"line": 0, "character": 0}, "end": {"line": 6, "character": 0}}],
            "params.arguments[1]: line 6 is outside the document, which has 6 lines, counted from 0",
        ),
        (
            "explain",
            [URI, {"start": {"line": 1, "character": 0}, "end": {"line": 0, "character": 0}}],
            "params.arguments[1]: the range ends before it starts",
        ),
        ("ask", [URI, BODY], "params.arguments: missing a required argument: 'question'"),
        ("ask", [URI, BODY, " "], "params.arguments[2]: is not valid, expected a string with something in it"),
        ("ask", [URI, BODY, ["x"]], "params.arguments[2]: is not valid, expected a string with something in it"),
        ("ask", [URI, BODY, "x" * 10_001], "params.arguments[2]: has 10001 characters; it may have 10000"),
        ("explode", [], "unknown command 'pylot-ls.explode'"),
    ],
)
async def test_wrong_arguments_are_named(started, command, arguments, message):
    editor = await started(Asked())
    error = (await run(editor, command, *arguments))["error"]
    assert error["code"] == INVALID_PARAMS
    assert error["message"].startswith(message)
    assert (await run(editor, "explain", URI, BODY))["result"]


async def test_a_keystroke_goes_before_a_question(started, watched_backend):
    backend = watched_backend("text")
    editor = await started(backend)
    backend.pause()
    question = run(editor, "explain", URI, BODY)
    suggestion = asyncio.ensure_future(editor.suggestion(4, 0, uri=URI))
    first, second = [await backend.asked.get(), await backend.asked.get()]
    assert {first.priority.name, second.priority.name} == {"INTERACTIVE", "KEYSTROKE"}
    backend.resume()
    await asyncio.gather(question, suggestion)
