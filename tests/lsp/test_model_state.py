"""A client that wants to show which model there is, is told."""

from dataclasses import replace

import pytest

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.engine.types import LoadFailed

pytestmark = pytest.mark.asyncio

WANTED = {"experimental": {"pylotModel": True}}


def told(editor):
    return [note["params"] for note in editor.notifications if note["method"] == "pylot/model"]


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
    assert editor.messages() == ["pylot-ls: there is no such file"]


async def test_a_client_that_does_not_ask_is_told_nothing(connect):
    editor = connect()
    await editor.initialize()
    editor.open("x = \n")
    await editor.ask(0, 4)
    assert not told(editor)


async def test_another_model_is_told_of_when_it_comes(connect, tmp_path):
    names = iter(("the first", "the second"))

    def new_pool(_settings):
        backend = ScriptedBackend(info=replace(SCRIPTED_MODEL, name=next(names)))
        return ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})

    editor = connect(new_pool=new_pool)
    await editor.initialize(WANTED)
    await editor.server.session.engine.ready()
    await editor.server.session.run_model("model.path", tmp_path / "second.gguf", Role.COMPLETE)
    assert [each["model"] for each in told(editor) if each["state"] == "ready"] == ["the first", "the second"]
