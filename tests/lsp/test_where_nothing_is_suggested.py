"""Strings, comments and files in which the user wants no suggestions."""

from __future__ import annotations

import pytest

from pylot_ls.engine.scripted_backend import ScriptedBackend

pytestmark = pytest.mark.asyncio

PLACES = [("x = 'a'\n", 6, "inStrings"), ("# a\n", 3, "inComments")]


async def suggestion(editor, character, trigger):
    context = {"triggerKind": trigger}
    position = {"line": 0, "character": character}
    params = {"textDocument": {"uri": "file:///project/a.py"}, "position": position, "context": context}
    return (await editor.request("textDocument/inlineCompletion", params))["result"]["items"]


@pytest.mark.parametrize(("text", "character", "setting"), PLACES)
async def test_only_who_asks_gets_one_in_strings_or_comments_that_are_off(connect, text, character, setting):
    editor = connect(ScriptedBackend("b"))
    await editor.initialize(options={"completion": {setting: False}})
    editor.open(text, language="python")
    assert await suggestion(editor, character, trigger=2) == []
    assert await suggestion(editor, character, trigger=1)


@pytest.mark.parametrize(("text", "character", "setting"), PLACES)
async def test_a_list_that_is_off_there_stays_empty(connect, text, character, setting):
    """Editors say of typed characters too that the user asked for a list."""
    editor = connect(ScriptedBackend("b"))
    await editor.initialize(options={"completion": {setting: False}})
    editor.open(text, language="python")
    assert (await editor.ask(0, character, "textDocument/completion"))["result"]["items"] == []


@pytest.mark.parametrize(("text", "character", "setting"), PLACES)
async def test_by_default_there_are_suggestions_everywhere(connect, text, character, setting):
    editor = connect(ScriptedBackend("b"))
    await editor.initialize()
    editor.open(text, language="python")
    assert await suggestion(editor, character, trigger=2)


async def test_nothing_is_suggested_in_files_that_are_off(connect):
    editor = connect()
    await editor.initialize(options={"completion": {"filesOff": ["*.lock", "**/vendor/"]}})
    for path in ("a.lock", "vendor/b.py", "c.py"):
        editor.open("x = \n", f"file:///project/{path}")
    assert await editor.suggestion(0, 4, "file:///project/a.lock") is None
    assert await editor.suggestion(0, 4, "file:///project/vendor/b.py") is None
    assert await editor.suggestion(0, 4, "file:///project/c.py") == "completed()"


async def test_a_broken_glob_is_told(connect):
    editor = connect()
    await editor.initialize(options={"completion": {"filesOff": ["[a"]}})
    (message,) = editor.messages()
    assert "completion.filesOff" in message
    assert "patterns as in a .gitignore" in message
