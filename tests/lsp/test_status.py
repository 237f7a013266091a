"""A client that wants to show which model there is, is told."""

import pytest

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import LoadFailed

pytestmark = pytest.mark.asyncio

WANTED = {"experimental": {"pylotStatus": True}}


def told(editor):
    return [note["params"] for note in editor.notifications if note["method"] == "pylot/status"]


async def test_a_model_is_told_of_while_it_loads_and_when_it_is_ready(connect):
    backend = ScriptedBackend()
    backend.pause()
    editor = connect(backend)
    await editor.initialize(WANTED)
    editor.open("x = \n")
    waiting = editor.ask(0, 4)
    backend.resume()
    await waiting
    assert told(editor) == [{"state": "loading", "percent": 0}, {"state": "ready", "model": "scripted"}]


async def test_why_there_is_none_is_told(connect):
    editor = connect(ScriptedBackend(load_failure=LoadFailed("there is no such file")))
    await editor.initialize(WANTED)
    editor.open("x = \n")
    await editor.ask(0, 4)
    assert told(editor)[-1] == {"state": "failed", "message": "there is no such file"}


async def test_a_client_that_does_not_ask_is_told_nothing(connect):
    editor = connect()
    await editor.initialize()
    editor.open("x = \n")
    await editor.ask(0, 4)
    assert not told(editor)
