"""Settings that come through the client."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.asyncio

PULLS = {"workspace": {"configuration": True}}


async def settle(editor):
    """A request is answered after everything that was begun before it."""
    editor.open("x = \n")
    return await editor.suggestion(0, 4)


async def test_a_wrong_value_is_named_once_and_the_default_is_used(connect):
    editor = connect()
    await editor.initialize(options={"completion": {"maxTokens": "many", "fallback": "always"}})
    (message,) = editor.messages()
    assert "completion.maxTokens" in message
    assert "from 1 to 512" in message
    assert "64" in message
    assert editor.server.session.settings.completion.max_tokens == 64
    assert editor.server.session.settings.completion.fallback == "always"


@pytest.mark.parametrize("options", [[], "text", 7, True, {"completion": None}, {"completion": []}])
async def test_options_of_a_wrong_form_do_not_keep_the_server_from_starting(connect, options):
    editor = connect()
    await editor.initialize(options=options)
    assert await settle(editor) == "completed()"
    # A group that is null is one that is not set.
    assert len(editor.messages()) == (options != {"completion": None})


async def test_a_model_path_from_the_client_is_refused_with_the_place_where_it_belongs(connect):
    editor = connect()
    await editor.initialize(options={"model": {"path": "/elsewhere/evil.gguf"}})
    (message,) = editor.messages()
    assert "PYLOT_LS_MODEL_PATH" in message
    assert editor.server.session.settings.model.path is None


async def test_the_clients_settings_are_asked_for_and_asked_for_again_when_they_change(connect):
    editor = connect()
    editor.configuration = {"completion": {"maxLines": 3}}
    await editor.initialize(PULLS)
    await settle(editor)
    assert editor.server.session.settings.completion.max_lines == 3
    editor.configuration = {"completion": {"enabled": False}}
    editor.notify("workspace/didChangeConfiguration", {"settings": None})
    await settle(editor)
    assert editor.server.session.settings.completion.max_lines == 8
    assert await editor.suggestion(0, 4) is None
    asked = [request["params"]["items"][0]["section"] for request in editor.requests]
    assert asked == ["pylot-ls", "pylot-ls"]


async def test_a_client_that_cannot_be_asked_pushes_its_settings(connect):
    editor = connect()
    await editor.initialize()
    pushed = {"pylot-ls": {"completion": {"languagesOff": ["plaintext"]}}, "other-server": {"x": 1}}
    editor.notify("workspace/didChangeConfiguration", {"settings": pushed})
    assert await settle(editor) is None
    assert not editor.messages()


@pytest.mark.parametrize(
    "pushed",
    [
        {"pylot-ls": {"completion": {"enabled": False}}},
        {"pylot-ls": {"completion.enabled": False}},
        {"pylot-ls.completion.enabled": False},
        {"pylot-ls.completion": {"enabled": False}, "python.analysis": {"x": 1}, "completion": {"enabled": True}},
    ],
)
async def test_each_way_to_write_what_is_pushed_counts(connect, pushed):
    editor = connect()
    await editor.initialize()
    editor.notify("workspace/didChangeConfiguration", {"settings": pushed})
    assert await settle(editor) is None
    assert not editor.messages()


@pytest.mark.parametrize("pushed", [None, [], 5, {}, {"pylot-lsp.completion.enabled": False}, {"pylot-ls": None}])
async def test_a_push_without_settings_of_ours_changes_nothing(connect, pushed):
    editor = connect()
    await editor.initialize()
    editor.notify("workspace/didChangeConfiguration", {"settings": pushed})
    assert await settle(editor) == "completed()"
    assert not editor.messages()


async def test_what_costs_the_machine_is_refused_from_a_client(connect):
    editor = connect()
    await editor.initialize()
    before = editor.server.session.settings
    pushed = {"pylot-ls": {"model": {"nCtx": 2048}, "log.level": "debug"}}
    editor.notify("workspace/didChangeConfiguration", {"settings": pushed})
    await settle(editor)
    assert editor.server.session.settings == before
    assert [("PYLOT_LS_MODEL_N_CTX" in m, "PYLOT_LS_LOG_LEVEL" in m) for m in editor.messages()] == [
        (True, False),
        (False, True),
    ]


async def test_the_command_line_wins_over_the_client(connect):
    editor = connect(overrides={"completion": {"max_tokens": 5}})
    await editor.initialize(options={"completion": {"maxTokens": 50}})
    assert editor.server.session.settings.completion.max_tokens == 5
