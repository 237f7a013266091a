"""``pylot-ls.status``, ``clearCache`` and ``switchModel``: what they say and do, and what they refuse."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import pytest

from pylot_ls.config.cache import kv_folder
from pylot_ls.config.wiring import make_pool
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.engine.types import LoadFailed
from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.store import PrefixStore
from pylot_ls.language import Message

pytestmark = pytest.mark.asyncio

INVALID_PARAMS, REQUEST_FAILED, CANCELLED = -32602, -32803, -32800


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path):
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


def run(editor, command, *arguments):
    return editor.request("workspace/executeCommand", {"command": f"pylot-ls.{command}", "arguments": list(arguments)})


async def begun(editor, locale="en", **params):
    answer = await editor.request("initialize", {"processId": None, "capabilities": {}, "locale": locale, **params})
    editor.notify("initialized", {})
    return answer["result"]


async def test_all_commands_are_announced(connect):
    capabilities = (await begun(connect()))["capabilities"]
    names = ["explain", "ask", "regenerate", "status", "clearCache", "switchModel"]
    assert {f"pylot-ls.{name}" for name in names} <= set(capabilities["executeCommandProvider"]["commands"])


async def test_the_status_is_plain_data(connect):
    editor = connect()
    await begun(editor, "ru")
    await editor.server.session.engine.ready()
    status = (await run(editor, "status"))["result"]
    assert status["language"] == {"tag": "ru", "name": "Russian"}
    (model,) = status["models"]
    assert (model["roles"], model["state"], model["info"]["name"]) == (["complete", "chat"], "ready", "scripted")
    assert status["cache"] == {"is_used": False, "problem": None}
    assert (status["n_documents"], status["background_tokens"]) == (0, 0)


async def test_the_status_says_why_there_is_no_model(connect):
    failure = LoadFailed(Message("no model at {path}: set model.path to a GGUF file", path="x"), "ModelNotFoundError")
    editor = connect(ScriptedBackend(load_failure=failure))
    await begun(editor, "ru")
    with pytest.raises(Exception, match="no model at x"):
        await editor.server.session.engine.ready()
    (model,) = (await run(editor, "status"))["result"]["models"]
    assert (model["state"], model["message"]) == ("failed", "модели x нет: укажите в model.path файл GGUF")
    assert editor.messages() == [f"pylot-ls: {model['message']}"]


async def test_the_status_of_the_bundled_model_has_plan_cache_and_speed(connect):
    editor = connect(new_pool=make_pool)
    await begun(editor)
    await editor.server.session.engine.ready()
    status = (await run(editor, "status"))["result"]
    model = status["models"][0]
    assert model["plan"]["n_ctx"] == model["info"]["n_ctx"] > 0
    assert model["plan"]["footprint"]
    assert status["cache"]["is_used"]
    assert status["cache"]["memory_bytes"] >= 0
    assert model["speed"] is None or model["speed"]["decode_per_s"] > 0


async def test_clearing_the_cache_leaves_no_trace_and_the_server_goes_on(connect):
    store = PrefixStore(MemoryTier(2**20), DiskTier(kv_folder(), 2**24, 2**24))
    editor = connect(store=store)
    await begun(editor)
    store.put(b"key", b"value" * 1000)
    assert store.flush(60)
    removed = (await run(editor, "clearCache"))["result"]
    assert removed["n_entries"] == 1
    assert removed["n_bytes"] > 0
    assert store.get(b"key") is None
    assert not kv_folder().exists()
    store.put(b"key", b"again")
    assert store.flush(60)
    assert (await run(editor, "clearCache"))["result"]["n_entries"] == 1


async def test_a_cache_that_is_switched_off_is_cleared_on_disk(connect):
    store = PrefixStore(MemoryTier(2**20), DiskTier(kv_folder(), 2**24, 2**24))
    store.put(b"key", b"value")
    assert store.flush(60)
    store.close()
    editor = connect()
    await begun(editor)
    assert (await run(editor, "clearCache"))["result"]["n_entries"] == 1
    assert not kv_folder().exists()


async def test_another_model_is_run_in_this_process_and_documents_stay_open(connect, tmp_path, model_path):
    other = tmp_path / "other.gguf"
    shutil.copy(model_path, other)
    editor = connect(new_pool=make_pool, overrides={"completion": {"confidence": 0, "time_budget_ms": 0}})
    await begun(editor)
    editor.open("def add(a, b):\n    return a +\n", language="python")
    before = await editor.suggestion(1, 14)
    assert before
    answer = await run(editor, "switchModel", "complete", str(other))
    assert answer["result"] == {"role": "complete", "path": str(other)}
    (model,) = (await run(editor, "status"))["result"]["models"]
    assert (model["info"]["path"], model["state"]) == (str(other), "ready")
    assert await editor.suggestion(1, 14) == before
    assert not list(tmp_path.rglob("config.toml"))
    back = await run(editor, "switchModel", "complete", "pylot-tiny")
    assert back["result"]["path"] == str(model_path)
    assert not editor.messages()


async def test_a_model_that_cannot_chat_is_refused_and_the_others_go_on(connect, model_path):
    editor = connect(new_pool=make_pool)
    await begun(editor)
    error = (await run(editor, "switchModel", "chat", str(model_path)))["error"]
    assert error["code"] == REQUEST_FAILED
    assert "has no chat template" in error["message"]
    assert (await editor.server.session.engine.ready()).path == str(model_path)


def pool_that_knows(good):
    """Makes pools of which only those with one path load."""

    def make(settings):
        path = str(settings.model.path)
        failure = None if path in good else LoadFailed(f"{path} is no good", "ModelUnreadableError")
        backend = ScriptedBackend(f"from {path}", info=replace(SCRIPTED_MODEL, path=path), load_failure=failure)
        return ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})

    return make


async def test_a_model_that_does_not_load_leaves_the_one_before(connect, tmp_path, model_path):
    other = tmp_path / "other.gguf"
    shutil.copy(model_path, other)
    editor = connect(new_pool=pool_that_knows({"None"}))
    await begun(editor)
    editor.open("x = \n", language="python")
    error = (await run(editor, "switchModel", "complete", str(other)))["error"]
    assert (error["code"], error["message"]) == (REQUEST_FAILED, f"{other} is no good")
    assert await editor.suggestion(0, 4) == "from None"
    assert editor.messages() == [f"pylot-ls: {other} is no good"]


async def test_while_models_change_there_are_no_suggestions_and_no_errors(connect, tmp_path, model_path, monkeypatch):
    other = tmp_path / "other.gguf"
    shutil.copy(model_path, other)
    editor = connect(new_pool=pool_that_knows({"None", str(other)}))
    await begun(editor)
    editor.open("x = \n", language="python")
    asked = []
    close = ModelPool.close

    async def closing(self):
        asked.append(await editor.suggestion(0, 4))
        await close(self)

    monkeypatch.setattr(ModelPool, "close", closing)
    await run(editor, "switchModel", "complete", str(other))
    assert asked == [None]
    assert await editor.suggestion(0, 4) == f"from {other}"
    assert editor.messages() == []


async def test_a_switch_that_is_cancelled_leaves_the_server_with_a_model(connect, tmp_path, model_path, monkeypatch):
    other = tmp_path / "other.gguf"
    shutil.copy(model_path, other)
    editor = connect(new_pool=pool_that_knows({"None", str(other)}))
    await begun(editor)
    editor.open("x = \n", language="python")
    closing, may_close = asyncio.Event(), asyncio.Event()
    close = ModelPool.close

    async def held(self):
        closing.set()
        await may_close.wait()
        await close(self)

    monkeypatch.setattr(ModelPool, "close", held)
    answer = run(editor, "switchModel", "complete", str(other))
    await closing.wait()
    editor.notify("$/cancelRequest", {"id": answer.msg_id})
    assert (await answer)["error"]["code"] == CANCELLED
    may_close.set()
    await editor.settled()
    assert await editor.suggestion(0, 4) == f"from {other}"


@pytest.mark.parametrize("folders", ["root", "folders"])
async def test_a_file_of_the_workspace_is_refused(connect, tmp_path, model_path, folders):
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(model_path, project / "m.gguf")
    (tmp_path / "link.gguf").symlink_to(project / "m.gguf")
    uri = project.as_uri()
    where = {"rootUri": uri} if folders == "root" else {"workspaceFolders": [{"uri": uri, "name": "p"}]}
    editor = connect(new_pool=pool_that_knows({"None"}))
    await begun(editor, **where)
    for path in (project / "m.gguf", project / "a" / ".." / "m.gguf", tmp_path / "link.gguf"):
        error = (await run(editor, "switchModel", "complete", str(path)))["error"]
        assert (error["code"], "must not choose what runs" in error["message"]) == (REQUEST_FAILED, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], INVALID_PARAMS, "params.arguments: missing a required argument: 'role'"),
        (["complete"], INVALID_PARAMS, "params.arguments: missing a required argument: 'reference'"),
        (["sing", "x"], INVALID_PARAMS, "params.arguments[0]: is not valid, expected one of complete, chat, embed"),
        ([["chat"], "x"], INVALID_PARAMS, "params.arguments[0]: is not valid, expected one of complete, chat, embed"),
        (["chat", 5], INVALID_PARAMS, "params.arguments[1]: is not valid, expected a string with something in it"),
        (["chat", "no-such-model"], REQUEST_FAILED, "there is no model 'no-such-model'"),
        (["embed", "pylot-tiny"], REQUEST_FAILED, "pylot-tiny is for complete, not to embed with"),
        (["complete", "/none.gguf"], REQUEST_FAILED, "no model at /none.gguf: set model.path to a GGUF file"),
        (["complete", "/\0.gguf"], REQUEST_FAILED, "no model at /"),
        (["complete", "~nobody-of-that-name/m.gguf"], REQUEST_FAILED, "no model at ~nobody"),
        (["complete", "/dev/zero.gguf"], REQUEST_FAILED, "no model at /dev/zero.gguf"),
        (["complete", "/dev/"], REQUEST_FAILED, "/dev is a folder"),
    ],
)
async def test_what_cannot_be_is_refused_clearly(connect, arguments, code, message):
    editor = connect(new_pool=pool_that_knows({"None"}))
    await begun(editor)
    error = (await run(editor, "switchModel", *arguments))["error"]
    assert (error["code"], error["message"][: len(message)]) == (code, message)


async def test_the_scripted_backend_has_no_models_to_switch_to(connect):
    editor = connect(overrides={"model": {"backend": "scripted"}})
    await begun(editor)
    error = (await run(editor, "switchModel", "complete", "pylot-tiny"))["error"]
    assert error["code"] == REQUEST_FAILED
    assert "scripted" in error["message"]
