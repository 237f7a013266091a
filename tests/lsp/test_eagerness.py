"""Work begins at the edit, where the user wants that, and the request joins it."""

from __future__ import annotations

import asyncio

import pytest
from lsprotocol import types

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.eagerness import PowerSource, typed_at


def edit(text, start, end=None):
    whole = types.Range(types.Position(*start), types.Position(*(end or start)))
    return types.TextDocumentContentChangePartial(range=whole, text=text)


@pytest.mark.parametrize(
    ("changes", "cursor"),
    [
        ([edit("a", (3, 4))], (3, 5)),
        ([edit("", (3, 4), (3, 5))], (3, 4)),
        ([edit("\n    ", (3, 4))], (4, 4)),
        ([edit("()", (0, 0))], (0, 1)),
        ([edit('""', (2, 3))], (2, 4)),
        ([edit("value", (1, 2), (1, 4))], (1, 7)),
    ],
    ids=[
        "a letter",
        "a backspace",
        "Return with indentation",
        "an auto-closed bracket",
        "an auto-closed quote",
        "an accepted word",
    ],
)
def test_a_keystroke_tells_where_the_cursor_is(changes, cursor):
    assert typed_at(changes) == types.Position(*cursor)


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [edit("a", (0, 0)), edit("a", (1, 0))],
        [edit("x = 1\ny = 2\n", (0, 0))],
        [edit("a" * 200, (0, 0))],
        [edit("\ndef f():", (0, 0))],
        [edit("é", (0, 0))],
        [types.TextDocumentContentChangeWholeDocument(text="a")],
    ],
    ids=["nothing", "two cursors", "a paste", "a long text", "a snippet", "not ASCII", "a reload"],
)
def test_what_is_no_keystroke_begins_nothing(changes):
    assert typed_at(changes) is None


@pytest.fixture
def served(connect):
    """An editor that has asked once, with the prompts its model was asked since."""

    async def start(eagerness, *, battery=False):
        prompts = []
        backend = ScriptedBackend(lambda prompt: prompts.append(prompt) or f"answer {len(prompts)}")
        editor = connect(backend, {"completion": {"look_ahead": False}})
        await editor.initialize(options={"completion": {"eagerness": eagerness}})
        editor.server.session.power_watch.cancel()
        await asyncio.wait([editor.server.session.power_watch])
        editor.server.session.power.is_battery = battery
        editor.open("x = \n")
        await editor.settled()
        await editor.suggestion(0, 4)
        prompts.clear()
        return editor, prompts

    return start


@pytest.mark.asyncio
@pytest.mark.parametrize(("eagerness", "battery"), [("keystroke", True), ("auto", False)])
async def test_the_request_joins_what_the_edit_began(served, eagerness, battery):
    editor, prompts = await served(eagerness, battery=battery)
    editor.change(2, "1", (0, 4), (0, 4))
    await asyncio.gather(*editor.server.session._tasks)
    assert len(prompts) == 1
    assert await editor.suggestion(0, 5) == "answer 1"
    assert len(prompts) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(("eagerness", "battery"), [("request", False), ("auto", True), ("manual", False)])
async def test_an_edit_begins_nothing_where_the_user_does_not_want_it(served, eagerness, battery):
    editor, prompts = await served(eagerness, battery=battery)
    editor.change(2, "1", (0, 4), (0, 4))
    assert not editor.server.session._tasks
    assert not prompts


@pytest.mark.asyncio
async def test_in_manual_mode_only_the_user_asks(served):
    editor, prompts = await served("manual")
    assert await editor.suggestion(0, 4) is None
    assert not prompts
    params = {
        "textDocument": {"uri": "file:///project/a.py"},
        "position": {"line": 0, "character": 4},
        "context": {"triggerKind": 1},
    }
    answer = await editor.request("textDocument/inlineCompletion", params)
    assert answer["result"]["items"][0]["insertText"] == "answer 1"


@pytest.mark.asyncio
async def test_a_client_that_never_asks_costs_nothing(connect):
    prompts = []
    editor = connect(ScriptedBackend(lambda prompt: prompts.append(prompt) or "x"))
    await editor.initialize(options={"completion": {"eagerness": "keystroke"}})
    editor.open("x = \n")
    await editor.settled()
    editor.change(2, "1", (0, 4), (0, 4))
    assert not editor.server.session._tasks - {editor.server.session.power_watch}
    assert not prompts


@pytest.mark.asyncio
async def test_the_power_source_is_what_the_system_says():
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_battery():
        loop.call_soon_threadsafe(asked.set)
        return True

    source = PowerSource(on_battery)
    watching = asyncio.ensure_future(source.watch())
    await asked.wait()
    while not source.is_battery:
        await asyncio.wait([watching], timeout=0.01)
    watching.cancel()
