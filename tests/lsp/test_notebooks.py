"""Notebooks: a completion in a cell sees the cells around it."""

from __future__ import annotations

import pytest
from lsprotocol import types

from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.lsp.notebooks import Notebooks
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

NOTEBOOK = "file:///project/a.ipynb"


def cell(number):
    return f"vscode-notebook-cell:/project/a.ipynb#{number}"


def code(number):
    return types.NotebookCell(types.NotebookCellKind.Code, cell(number))


def markup(number):
    return types.NotebookCell(types.NotebookCellKind.Markup, cell(number))


class Open:
    """Notebooks with cells, by their numbers."""

    def __init__(self, *cells, **texts):
        self.documents = {}
        for number, text in texts.items():
            self.write(int(number[1:]), text)
        self.notebooks = Notebooks(self.documents.get)
        self.notebooks.open(NOTEBOOK, cells)

    def write(self, number, text, language="python"):
        self.documents[cell(number)] = Document(cell(number), language, 1, Text.from_str(text))

    def whole(self, number):
        found = self.notebooks.whole(self.documents[cell(number)])
        text = str(found.document.text)
        return text[: found.shift] + "|" + text[found.shift :]


def test_a_cell_stands_between_those_before_and_those_after_it():
    assert Open(code(1), code(2), code(3), _1="import a", _2="b = a.", _3="print(b)").whole(2) == (
        "import a\n\n|b = a.\n\nprint(b)"
    )


def test_only_cells_of_code_in_the_same_language_are_seen():
    opened = Open(markup(1), code(2), code(3), _1="# Title", _2="SELECT 1", _3="x")
    opened.write(2, "SELECT 1", "sql")
    assert opened.whole(3) == "|x"
    assert opened.whole(2) == "|SELECT 1"


def test_cells_that_are_moved_deleted_and_added_are_seen_where_they_are_now():
    opened = Open(code(1), code(2), code(3), _1="a\n", _2="b", _3="c", _4="d")
    opened.notebooks.splice(NOTEBOOK, 0, 2, [code(2), code(1)])
    assert opened.whole(3) == "b\n\na\n\n|c"
    opened.notebooks.splice(NOTEBOOK, 1, 1, [])
    opened.notebooks.splice(NOTEBOOK, 0, 0, [code(4)])
    assert opened.whole(3) == "d\n\nb\n\n|c"
    assert opened.whole(1) == "|a\n"


def test_a_cell_that_becomes_text_is_seen_no_more():
    opened = Open(code(1), code(2), _1="a", _2="b")
    opened.notebooks.describe(NOTEBOOK, [markup(1)])
    assert opened.whole(2) == "|b"


def test_a_long_notebook_is_cut():
    opened = Open(code(1), code(2), _1="x" * 100_000, _2="b")
    assert len(opened.whole(2)) < 70_000


def test_of_a_closed_notebook_cells_are_files_of_their_own():
    opened = Open(code(1), code(2), _1="a", _2="b")
    assert opened.notebooks.close(NOTEBOOK) == (cell(1), cell(2))
    assert opened.whole(2) == "|b"
    assert opened.notebooks.close(NOTEBOOK) == ()


def test_what_is_said_of_a_notebook_that_is_not_open_changes_nothing():
    opened = Open(code(1), _1="a")
    opened.notebooks.splice("file:///other.ipynb", 0, 0, [code(9)])
    opened.notebooks.describe("file:///other.ipynb", [code(9)])
    assert opened.whole(1) == "|a"


def text_item(number, text, version=1):
    return {"uri": cell(number), "languageId": "python", "version": version, "text": text}


@pytest.mark.asyncio
async def test_an_editors_notebook_from_open_to_close(connect, watched_backend):
    backend = watched_backend("answer")
    editor = connect(backend)
    await editor.initialize()
    cells = [{"kind": 2, "document": cell(1)}, {"kind": 2, "document": cell(2)}]
    notebook = {"uri": NOTEBOOK, "notebookType": "jupyter-notebook", "version": 1, "cells": cells}
    editor.notify(
        "notebookDocument/didOpen",
        {"notebookDocument": notebook, "cellTextDocuments": [text_item(1, "import math"), text_item(2, "x = ")]},
    )
    change = {"range": {"start": place(0, 4), "end": place(0, 4)}, "text": "m"}
    content = {"document": {"uri": cell(2), "version": 2}, "changes": [change]}
    editor.notify(
        "notebookDocument/didChange",
        {"notebookDocument": {"uri": NOTEBOOK, "version": 2}, "change": {"cells": {"textContent": [content]}}},
    )
    params = {"textDocument": {"uri": cell(2)}, "position": place(0, 5), "context": {"triggerKind": 1}}
    answer = await editor.request("textDocument/inlineCompletion", params)
    assert answer["result"]["items"][0]["range"] == {"start": place(0, 5), "end": place(0, 5)}
    request = await backend.asked.get()
    prompt = "".join(each.text for each in request.prompt if isinstance(each, TextSegment))
    assert prompt == "import math\n\nx = m"
    listed = await editor.request("textDocument/completion", {**params, "context": {"triggerKind": 1}})
    assert listed["result"]["items"][0]["textEdit"]["range"]["start"] == place(0, 4)
    editor.notify(
        "notebookDocument/didClose",
        {"notebookDocument": {"uri": NOTEBOOK}, "cellTextDocuments": [{"uri": cell(1)}, {"uri": cell(2)}]},
    )
    answer = await editor.request("textDocument/inlineCompletion", params)
    assert answer["result"] is None


def place(line, character):
    return {"line": line, "character": character}
