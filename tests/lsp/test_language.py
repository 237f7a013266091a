"""Who uses an editor in his language is spoken to in it."""

from __future__ import annotations

import asyncio
import sys

import pytest
import pytest_lsp
from lsprotocol import types

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import LoadFailed
from pylot_ls.errors import ModelNotFoundError
from pylot_ls.language import Language, Message

pytestmark = pytest.mark.asyncio


async def begin(connect, locale=None, options=None, backend=None, capabilities=None):
    editor = connect(backend or ScriptedBackend("completed()"))
    params = {"processId": None, "capabilities": capabilities or {}, "initializationOptions": options}
    if locale is not None:
        params["locale"] = locale
    await editor.request("initialize", params)
    editor.notify("initialized", {})
    await editor.settled()
    return editor


async def test_a_russian_client_gets_russian_messages(connect):
    editor = await begin(connect, "ru-RU", {"completion": {"maxTokens": 0}, "colour": 1})
    assert editor.server.session.language == Language("ru-RU")
    unknown, wrong = editor.messages()
    assert unknown == (
        "pylot-ls: Неизвестный параметр colour (источник: initializationOptions редактора). Возможно, имелось в виду "
        "completion?"
    )
    assert wrong == (
        "pylot-ls: Недопустимое значение completion.maxTokens: 0 (источник: initializationOptions редактора); "
        "допускается: целое число от 1 до 512. Вместо этого используется значение по умолчанию: 64."
    )


@pytest.mark.parametrize("locale", [None, "de", "en-US", "he", "zz-zz", "", "\u202e", "ru!"])
async def test_a_client_of_a_language_without_a_catalogue_gets_english_messages(connect, locale):
    editor = await begin(connect, locale, {"colour": 1})
    (message,) = editor.messages()
    assert message.startswith(
        "pylot-ls: There is no setting colour, which stands in the editor's initializationOptions."
    )


async def test_the_setting_goes_before_the_client(connect):
    editor = await begin(connect, "de", {"user": {"language": "ru"}, "colour": 1})
    assert editor.server.session.language == Language("ru")
    assert editor.messages()[0].startswith("pylot-ls: Неизвестный параметр")


async def test_who_pauses_is_told_in_their_language(connect):
    editor = await begin(connect, "ru")
    for command in ("pylot.pause", "pylot.resume"):
        await editor.request("workspace/executeCommand", {"command": command})
    assert editor.messages() == [
        "pylot-ls: подсказки приостановлены везде; вернуть их — команда pylot.resume",
        "pylot-ls: подсказки снова включены",
    ]


async def test_the_setting_can_be_changed_while_the_server_runs(connect):
    editor = await begin(connect, "de")
    editor.notify("workspace/didChangeConfiguration", {"settings": {"pylot-ls": {"user": {"language": "ru"}, "x": 1}}})
    await asyncio.wait(editor.server.protocol._notified)
    assert editor.messages()[0].startswith("pylot-ls: Неизвестный параметр x")


@pytest.mark.parametrize("tag", ["русский", "a b", "", "../ru", 5, "waytoolongatag"])
async def test_a_tag_that_is_none_is_said_and_the_clients_counts(connect, tag):
    editor = await begin(connect, "ru", {"user": {"language": tag}})
    assert editor.server.session.language == Language("ru")
    (message,) = editor.messages()
    assert 'допускается: код языка, например "auto", "ru" или "pt-BR"' in message


async def test_a_model_that_fails_is_said_in_russian(connect):
    failure = LoadFailed(
        Message("no model at {path}: set model.path to a GGUF file", path="/нет"), "ModelNotFoundError"
    )
    editor = await begin(connect, "ru", backend=ScriptedBackend(load_failure=failure))
    with pytest.raises(ModelNotFoundError, match="no model at"):
        await editor.server.session.engine.ready()
    assert editor.messages() == ["pylot-ls: модели /нет нет: укажите в model.path файл GGUF"]


async def test_progress_is_told_in_russian(connect):
    editor = await begin(connect, "ru", capabilities={"window": {"workDoneProgress": True}})
    told = [note["params"]["value"] for note in editor.notifications if note["method"] == "$/progress"]
    assert [value.get("message") for value in told] == ["загрузка модели", "модель scripted готова"]


async def test_the_log_stays_english(connect, caplog):
    editor = await begin(connect, "ru", {"colour": 1})
    assert "There is no setting colour" in caplog.text
    assert "Неизвестный параметр colour" in "".join(editor.messages())


async def test_a_server_of_its_own_process_speaks_russian(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYLOT_LS_MODEL_PATH", str(tmp_path / "нет.gguf"))
    client = pytest_lsp.make_test_lsp_client()
    await client.start_io(sys.executable, "-m", "pylot_ls")
    try:
        params = types.InitializeParams(capabilities=types.ClientCapabilities(), locale="ru")
        await client.initialize_session(params)
        await asyncio.wait_for(client.wait_for_notification(types.WINDOW_SHOW_MESSAGE), 60)
        (message,) = client.messages
        assert message.message == f"pylot-ls: модели {tmp_path}/нет.gguf нет: укажите в model.path файл GGUF"
    finally:
        await client.shutdown_session()
        await client.stop()
