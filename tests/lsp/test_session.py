"""The server as one client sees it, on a backend whose pace the test sets."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace

import pytest
from lsprotocol import types
from pygls.feature_manager import is_thread_function

from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.engine.types import LoadFailed
from pylot_ls.errors import DecodeError, ModelNotFoundError
from pylot_ls.lsp.server import PylotServer

pytestmark = pytest.mark.asyncio

CANCELLED = -32800


def echoing():
    """A backend that answers the line typed so far, so that a test sees which text was asked about."""

    def script(prompt):
        middle = [part.text for part in prompt if isinstance(part, TextSegment)][-1]
        return f"<{middle.rpartition(chr(10))[2]}>"

    return ScriptedBackend(script)


async def test_inline_completion_inserts_the_rest_in_an_empty_range_at_the_cursor(connect):
    editor = connect()
    await editor.initialize()
    editor.open("x = \n")
    answer = await editor.ask(0, 4)
    here = {"line": 0, "character": 4}
    (item,) = answer["result"]["items"]
    assert item.pop("command")["command"] == "pylot.accepted"
    assert item == {"insertText": "completed()", "range": {"start": here, "end": here}}


async def test_both_methods_are_announced_statically(connect):
    capabilities = (await connect().initialize())["capabilities"]
    assert capabilities["inlineCompletionProvider"] is not None
    assert capabilities["completionProvider"]["triggerCharacters"] == ["."]
    assert capabilities["textDocumentSync"]["change"] == 2


async def test_a_client_to_which_it_could_be_registered_later_is_told_so_at_once_too(connect):
    editor = connect()
    dynamic = {"textDocument": {"inlineCompletion": {"dynamicRegistration": True}}}
    assert (await editor.initialize(dynamic))["capabilities"]["inlineCompletionProvider"] is not None
    await editor.settled()
    assert [request for request in editor.requests if request["method"] == "client/registerCapability"] == []
    editor.open("x = \n")
    assert await editor.suggestion(0, 4) == "completed()"


async def test_what_can_take_time_can_be_cancelled_and_nothing_runs_in_the_threads_of_pygls(connect):
    manager = connect().server.protocol.fm
    answered = {name: call for name, call in manager.features.items() if types.METHOD_TO_TYPES.get(name, (0, 0))[1]}
    at_once = {name for name, call in {**answered, **manager.commands}.items() if not inspect.iscoroutinefunction(call)}
    assert at_once == {"initialize", "pylot.accepted", "pylot.pause", "pylot.resume"}
    assert not any(map(is_thread_function, [*manager.features.values(), *manager.commands.values()]))


async def test_initialize_is_answered_while_the_model_loads(connect):
    backend = ScriptedBackend()
    backend.pause()
    editor = connect(backend)
    assert (await editor.initialize())["serverInfo"]["name"] == "pylot-ls"
    editor.open("x = \n")
    waiting = editor.ask(0, 4)
    backend.resume()
    assert (await waiting)["result"]["items"][0]["insertText"] == "scripted_suggestion"


async def test_edits_reach_the_prompt_in_the_negotiated_encoding(connect):
    editor = connect(echoing())
    await editor.initialize()
    editor.open("a = '😀'\n")
    editor.change(2, "!", (0, 8), (0, 8))  # UTF-16: the emoji counts two
    assert await editor.suggestion(0, 9) == "<a = '😀'!>"


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 9), ("utf-16", 7), ("utf-32", 6)])
async def test_columns_count_in_the_encoding_the_client_prefers(connect, encoding, column):
    editor = connect(echoing())
    result = await editor.initialize({"general": {"positionEncodings": [encoding]}})
    assert result["capabilities"]["positionEncoding"] == encoding
    editor.open("a = '😀' + b\n")
    assert await editor.suggestion(0, column) == "<a = '😀>"


async def test_a_newer_request_answers_the_older_with_null(connect):
    backend = echoing()
    editor = connect(backend)
    await editor.initialize()
    editor.open("a\n")
    await editor.server.session.engine.ready()  # loading is a step, too
    backend.pause()
    older = editor.ask(0, 1)
    editor.change(2, "b", (0, 1), (0, 1))
    newer = editor.ask(0, 2)
    assert (await older)["result"] is None
    backend.resume()
    assert (await newer)["result"]["items"][0]["insertText"] == "<ab>"


async def test_the_two_methods_at_one_place_share_one_generation(connect):
    prompts = []
    backend = ScriptedBackend(lambda prompt: prompts.append(prompt) or "done")
    editor = connect(backend, {"completion": {"fallback": "always", "look_ahead": False}})
    await editor.initialize()
    editor.open("x = \n")
    inline, listed = editor.ask(0, 4), editor.ask(0, 4, "textDocument/completion")
    await asyncio.gather(inline, listed)
    assert inline.result()["result"]["items"][0]["insertText"] == "done"
    assert listed.result()["result"]["items"][0]["textEdit"]["newText"] == "done"
    assert len(prompts) == 1


async def test_a_cancelled_request_says_so_and_ends_the_work(connect):
    backend = echoing()
    editor = connect(backend)
    await editor.initialize()
    editor.open("a\n")
    await editor.server.session.engine.ready()  # loading is a step, too
    backend.pause()
    asked = editor.ask(0, 1)
    editor.notify("$/cancelRequest", {"id": asked.msg_id})
    assert (await asked)["error"]["code"] == CANCELLED
    backend.resume()
    assert await editor.suggestion(0, 1) == "<a>"


async def test_a_position_outside_the_file_is_clamped(connect):
    editor = connect(echoing())
    await editor.initialize()
    editor.open("one\ntwo")
    assert await editor.suggestion(900, 900) == "<two>"


async def test_a_document_that_is_not_open_has_no_suggestion(connect):
    editor = connect()
    await editor.initialize()
    assert await editor.suggestion(0, 0, uri="file:///etc/passwd") is None
    editor.open("x\n")
    editor.notify("textDocument/didClose", {"textDocument": {"uri": "file:///project/a.py"}})
    assert await editor.suggestion(0, 1) is None


async def test_an_edit_of_a_document_that_is_not_open_is_harmless(connect):
    editor = connect()
    await editor.initialize()
    editor.change(2, "b", (0, 1), (0, 1))
    editor.open("x = \n")
    assert await editor.suggestion(0, 4) == "completed()"


@pytest.mark.parametrize("capabilities", [{}, {"textDocument": {}}], ids=["nothing", "no inline completion"])
async def test_the_list_is_for_clients_without_inline_completion(connect, capabilities):
    editor = connect()
    await editor.initialize(capabilities)
    editor.open("value = na\n")
    (item,) = (await editor.ask(0, 10, "textDocument/completion"))["result"]["items"]
    assert item["textEdit"]["newText"] == "nacompleted()"
    assert item["textEdit"]["range"]["start"]["character"] == 8
    assert item["filterText"].startswith("na")


async def test_a_client_with_inline_completion_gets_no_list_unless_it_is_asked_for(connect, inline_capabilities):
    editor = connect()
    await editor.initialize(inline_capabilities)
    editor.open("x = \n")
    assert (await editor.ask(0, 4, "textDocument/completion"))["result"] is None
    always = connect()
    await always.initialize(inline_capabilities, {"completion": {"fallback": "always"}})
    always.open("x = \n")
    assert (await always.ask(0, 4, "textDocument/completion"))["result"]["items"]


async def test_a_list_that_would_be_late_is_answered_empty_and_incomplete(connect, monkeypatch):
    monkeypatch.setattr("pylot_ls.lsp.handlers.completion._BUDGET_S", 0)
    backend = ScriptedBackend()
    editor = connect(backend)
    await editor.initialize()
    editor.open("x = \n")
    await editor.server.session.engine.ready()  # loading is a step, too
    backend.pause()
    result = (await editor.ask(0, 4, "textDocument/completion"))["result"]
    assert result == {"isIncomplete": True, "items": []}
    backend.resume()


async def test_a_model_that_fails_to_load_is_told_once_and_requests_answer_null(connect):
    backend = ScriptedBackend(load_failure=LoadFailed("no model at /nowhere", "ModelNotFoundError"))
    editor = connect(backend)
    await editor.initialize()
    editor.open("x = \n")
    assert [await editor.suggestion(0, 4) for _ in range(3)] == [None, None, None]
    assert editor.messages() == ["pylot-ls: no model at /nowhere"]


async def test_a_model_without_fill_in_the_middle_is_said_once_and_requests_answer_null(connect):
    editor = connect(ScriptedBackend(info=replace(SCRIPTED_MODEL, fim=None, name="chatty")))
    await editor.initialize()
    editor.open("x = \n")
    assert [await editor.suggestion(0, 4) for _ in range(3)] == [None, None, None]
    (message,) = editor.messages()
    assert "chatty has no fill-in-the-middle tokens" in message


async def test_an_engine_that_fails_is_said_once_and_the_next_request_is_served(connect):
    answers = iter([DecodeError("no memory"), DecodeError("no memory")])

    def script(_prompt):
        for error in answers:
            raise error
        return "fine"

    editor = connect(ScriptedBackend(script))
    await editor.initialize()
    editor.open("x = \n")
    assert [await editor.suggestion(0, 4) for _ in range(3)] == [None, None, "fine"]
    assert editor.messages() == ["pylot-ls: no memory"]


async def test_a_backend_that_cannot_be_made_is_told_once_and_the_server_lives_on(connect, monkeypatch):
    def missing(_settings):
        raise ModelNotFoundError("the bundled model is missing")

    editor = connect()
    editor.server = PylotServer({}, missing)
    editor.server.protocol.connect(editor)
    await editor.initialize()
    editor.open("x = \n")
    assert await editor.suggestion(0, 4) is None
    assert editor.messages() == ["pylot-ls: the bundled model is missing"]
    await editor.server.session.close()


async def test_progress_is_shown_while_the_model_loads(connect):
    backend = ScriptedBackend()
    backend.pause()
    editor = connect(backend)
    await editor.initialize({"window": {"workDoneProgress": True}})
    editor.open("x = \n")
    waiting = editor.ask(0, 4)
    backend.resume()
    await waiting
    assert [request["method"] for request in editor.requests] == ["window/workDoneProgress/create"]
    values = [note["params"]["value"] for note in editor.notifications if note["method"] == "$/progress"]
    assert [value["kind"] for value in values] == ["begin", "end"]
    assert values[-1]["message"] == "scripted is ready"


async def test_no_progress_is_sent_to_a_client_that_shows_none(connect):
    editor = connect()
    await editor.initialize()
    editor.open("x = \n")
    await editor.suggestion(0, 4)
    assert not editor.requests
    assert not [note for note in editor.notifications if note["method"] == "$/progress"]


async def test_costs_are_sent_only_to_a_client_that_wants_them(connect):
    editor = connect()
    await editor.initialize({"experimental": {"pylotCompletionStats": True}})
    editor.open("x = \n")
    await editor.suggestion(0, 4)
    (note,) = [note for note in editor.notifications if note["method"] == "pylot/completion"]
    assert note["params"]["version"] == 1
    assert note["params"]["usage"]["tokens_evaluated"] > 0
    assert 0 < note["params"]["confidence"] <= 1
    plain = connect()
    await plain.initialize()
    plain.open("x = \n")
    await plain.suggestion(0, 4)
    assert not [note for note in plain.notifications if note["method"] == "pylot/completion"]
