"""``textDocument/hover`` as a client sees it."""

import pytest
from bad_documents import BAD_DOCUMENTS
from shelf import Shelf

from pylot_ls.engine.scripted_backend import ScriptedBackend

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"
MARKDOWN = {"textDocument": {"hover": {"contentFormat": ["markdown", "plaintext"]}}}
SOURCE = 'x = "😀"\n\n\ndef add(a, b):\n    """Add two *numbers*."""\n    return a + b\n\n\n"😀"; add(1, 2)\n'
SAID = "It adds them."


def place(line, character, uri=URI):
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


async def hovered(connect, position, capabilities=MARKDOWN, options=None, backend=None, text=SOURCE):
    editor = connect(backend or ScriptedBackend(SAID))
    await editor.initialize(capabilities, options)
    editor.open(text, URI, "python")
    answer = await editor.request("textDocument/hover", place(*position))
    assert "error" not in answer
    return answer["result"]


async def test_the_server_says_that_it_hovers(connect):
    assert (await connect().initialize())["capabilities"]["hoverProvider"] is True


async def test_a_name_is_shown_as_markdown_with_its_range_in_the_clients_units(connect):
    assert await hovered(connect, (8, 7)) == {
        "contents": {
            "kind": "markdown",
            "value": f"```python\ndef add(a, b):\n```\n\nAdd two \\*numbers\\*.\n\n---\n\n{SAID}",
        },
        "range": {"start": {"line": 8, "character": 6}, "end": {"line": 8, "character": 9}},
    }


@pytest.mark.parametrize("formats", [None, [], ["plaintext"], ["plaintext", "markdown"]])
async def test_who_does_not_prefer_markdown_gets_plain_text(connect, formats):
    capabilities = {"textDocument": {"hover": {} if formats is None else {"contentFormat": formats}}}
    found = await hovered(connect, (3, 4), capabilities)
    assert found["contents"] == {
        "kind": "plaintext",
        "value": f"def add(a, b):\n\nAdd two *numbers*.\n\n{SAID}",
    }


async def test_a_selection_is_explained_to_a_client_that_sends_a_range(connect):
    editor = connect(ScriptedBackend(SAID))
    answer = await editor.initialize(MARKDOWN)
    assert answer["capabilities"]["experimental"] == {"hoverRange": True}
    editor.open(SOURCE, URI, "python")
    selection = {"start": {"line": 8, "character": 0}, "end": {"line": 8, "character": 15}}
    found = await editor.request("textDocument/hover", {"textDocument": {"uri": URI}, "position": selection})
    assert found["result"] == {"contents": {"kind": "markdown", "value": SAID}, "range": selection}


@pytest.mark.parametrize("position", [(1, 0), (3, 0), (3, 7), (4, 9), (99, 0), (8, 99)])
async def test_nothing_is_shown_where_nothing_has_a_value_or_behind_the_text(connect, position):
    assert await hovered(connect, position) is None


async def test_a_user_may_want_no_hovers(connect):
    assert await hovered(connect, (3, 4), options={"hover": {"enabled": False}}) is None


async def test_nothing_is_shown_of_a_document_that_is_not_open_or_is_closed_meanwhile(connect):
    backend = ScriptedBackend(SAID)
    editor = connect(backend)
    await editor.initialize(MARKDOWN)
    assert (await editor.request("textDocument/hover", place(3, 4)))["result"] is None
    editor.open(SOURCE, URI, "python")
    await editor.server.session.engine.ready()
    backend.pause()
    answer = editor.request("textDocument/hover", place(3, 4))
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert (await answer)["result"] is None
    backend.resume()


async def test_when_the_budget_ends_it_is_said_that_more_is_to_come_and_then_it_is_there(connect):
    backend = ScriptedBackend(SAID)
    editor = connect(backend)
    await editor.initialize(MARKDOWN, {"hover": {"time_budget_ms": 1}})
    editor.open(SOURCE, URI, "python")
    await editor.server.session.engine.ready()
    backend.pause()
    answer = await editor.request("textDocument/hover", place(3, 4))
    assert answer["result"]["contents"]["value"].endswith("look again in a moment.")
    backend.resume()
    await editor.settled()
    answer = await editor.request("textDocument/hover", place(3, 4))
    assert "add" in answer["result"]["contents"]["value"]
    assert not editor.messages()


async def test_a_cancelled_hover_is_answered_and_ends_the_work(connect, watched_backend):
    backend = watched_backend(SAID)
    editor = connect(backend)
    await editor.initialize(MARKDOWN)
    editor.open(SOURCE, URI, "python")
    await editor.server.session.engine.ready()
    backend.pause()
    answer = editor.request("textDocument/hover", place(3, 4))
    request = await backend.asked.get()
    editor.notify("$/cancelRequest", {"id": answer.msg_id})
    assert (await answer)["error"]["code"] == -32800
    backend.resume()
    await editor.settled()
    assert backend.cancelled == [request.request_id]


@pytest.mark.parametrize(("name", "is_kept"), [("a.py", True), ("my_secrets.py", False)])
async def test_explanations_are_kept_of_files_that_may_be_kept(connect, tmp_path, name, is_kept):
    uri, shelf = (tmp_path / name).as_uri(), Shelf()
    editor = connect(ScriptedBackend(SAID), store=shelf)
    await editor.initialize(MARKDOWN)
    editor.open(SOURCE, uri, "python")
    await editor.settled()
    await editor.request("textDocument/hover", place(3, 4, uri))
    assert any(SAID.encode() in value for value in shelf.disk.values()) == is_kept


async def test_in_a_notebook_a_name_of_another_cell_is_known(connect):
    editor = connect(ScriptedBackend(SAID))
    await editor.initialize(MARKDOWN)
    cells = [f"vscode-notebook-cell:/project/a.ipynb#{n}" for n in range(2)]
    notebook = {
        "uri": "file:///project/a.ipynb",
        "notebookType": "jupyter-notebook",
        "version": 1,
        "cells": [{"kind": 2, "document": cell} for cell in cells],
    }
    texts = ["def add(a, b):\n    return a + b", "add(1, 2)"]
    items = [
        {"uri": cell, "languageId": "python", "version": 1, "text": text}
        for cell, text in zip(cells, texts, strict=True)
    ]
    editor.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": items})
    answer = await editor.request("textDocument/hover", place(0, 1, cells[1]))
    assert answer["result"]["contents"]["value"].startswith("```python\ndef add(a, b):\n```")
    assert answer["result"]["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 3}}


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
@pytest.mark.parametrize("answer", ["", "\ud83d<|endoftext|>", "the same " * 500])
async def test_no_document_is_an_error(connect, name, answer):
    document = BAD_DOCUMENTS[name]
    editor = connect(ScriptedBackend(answer))
    await editor.initialize({"general": {"positionEncodings": ["utf-32"]}, **MARKDOWN})
    editor.open(document.text, URI, document.language)
    for position in document.places:
        assert "error" not in await editor.request("textDocument/hover", place(*position))
