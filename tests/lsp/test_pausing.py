"""Suggestions can be paused in a document, in a language and everywhere, by commands of the server."""

from __future__ import annotations

import pytest

URI, OTHER = "file:///project/a.py", "file:///project/b.txt"

pytestmark = pytest.mark.asyncio


async def command(editor, name, *arguments):
    return await editor.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})


async def suggested(editor):
    """In which of the two documents something is suggested."""
    return [uri for uri in (URI, OTHER) if await editor.suggestion(0, 4, uri=uri)]


async def start(connect, inline_capabilities):
    editor = connect()
    await editor.initialize(inline_capabilities)
    editor.open("x = ", URI, "python")
    editor.open("y = ", OTHER, "plaintext")
    assert await suggested(editor) == [URI, OTHER]
    return editor


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        pytest.param([], [], id="everywhere, by the bare command"),
        pytest.param([{}], [], id="everywhere"),
        pytest.param([{"languageId": "python"}], [OTHER], id="in a language"),
        pytest.param([{"uri": OTHER}], [URI], id="in a document"),
    ],
)
async def test_what_is_paused_has_no_suggestions_until_it_is_resumed(connect, inline_capabilities, scope, left):
    editor = await start(connect, inline_capabilities)
    assert "error" not in await command(editor, "pylot.pause", *scope)
    assert await suggested(editor) == left
    assert "error" not in await command(editor, "pylot.resume", *scope)
    assert await suggested(editor) == [URI, OTHER]
    assert len(editor.messages()) == (0 if scope else 2)  # who names a scope tells the user himself


async def test_resuming_one_pause_leaves_the_others_and_resuming_everything_leaves_none(connect, inline_capabilities):
    editor = await start(connect, inline_capabilities)
    await command(editor, "pylot.pause", {"uri": URI})
    await command(editor, "pylot.pause", {"languageId": "plaintext"})
    await command(editor, "pylot.resume", {"uri": URI})
    assert await suggested(editor) == [URI]
    await command(editor, "pylot.resume", {})
    assert await suggested(editor) == [URI, OTHER]


async def test_a_client_that_shows_it_is_told_of_all_that_is_paused(connect, inline_capabilities):
    editor = connect()
    await editor.initialize({**inline_capabilities, "experimental": {"pylotPaused": True}})
    for name, scope in (
        ("pause", {"uri": URI}),
        ("pause", {"languageId": "plaintext"}),
        ("pause", {}),
        ("resume", {}),
    ):
        await command(editor, f"pylot.{name}", scope)
    told = [note["params"] for note in editor.notifications if note["method"] == "pylot/paused"]
    assert told == [
        {"everywhere": False, "languageIds": [], "uris": [URI]},
        {"everywhere": False, "languageIds": ["plaintext"], "uris": [URI]},
        {"everywhere": True, "languageIds": ["plaintext"], "uris": [URI]},
        {"everywhere": False, "languageIds": [], "uris": []},
    ]


async def test_edits_where_it_is_paused_begin_nothing(connect, inline_capabilities, watched_backend):
    backend = watched_backend("completed()")
    editor = connect(backend)
    await editor.initialize(inline_capabilities)
    editor.open("x = ", URI, "python")
    await editor.suggestion(0, 4)
    await command(editor, "pylot.pause", {"uri": URI})
    await editor.settled()
    n_asked = len(backend.submitted)
    editor.change(2, "1", (0, 4), (0, 4))
    await editor.settled()
    assert len(backend.submitted) == n_asked


async def test_who_runs_the_bare_command_is_told_and_who_names_a_scope_is_not(connect, inline_capabilities):
    editor = await start(connect, inline_capabilities)
    await command(editor, "pylot.pause", {})
    assert editor.messages() == []
    await command(editor, "pylot.pause")
    await command(editor, "pylot.resume")
    paused, resumed = editor.messages()
    assert "paused everywhere" in paused
    assert "again" in resumed


@pytest.mark.parametrize("scope", ["here", 3, {"uri": 1}, {"file": "a.py"}, ["x"]])
async def test_a_scope_of_another_form_is_refused_and_changes_nothing(connect, inline_capabilities, scope):
    editor = await start(connect, inline_capabilities)
    answer = await command(editor, "pylot.pause", scope)
    assert "expected {uri}, {languageId} or nothing" in answer["error"]["message"]
    assert await suggested(editor) == [URI, OTHER]
