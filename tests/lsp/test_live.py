"""Typing along a suggestion asks the model nothing, through the whole server."""

from __future__ import annotations

import asyncio
import itertools
import sys

import pytest
from asked_backend import SAID, Asked
from turns import turn

from pylot_ls.bundled import sample_path
from pylot_ls.engine.types import Priority
from pylot_ls.errors import DecodeError
from pylot_ls.features.underway import Underway
from pylot_ls.lsp.client import EditorClient

pytestmark = pytest.mark.asyncio


@pytest.fixture
def typist(connect, inline_capabilities):
    """An editor that has asked once behind ``x = ``, and types from there."""

    async def start(backend=None, text="x = \n", **completion):
        editor = connect(backend or Asked(), {"completion": {"look_ahead": False, **completion}})
        await editor.initialize({**inline_capabilities, "experimental": {"pylotCompletionStats": True}})
        editor.server.session.power_watch.cancel()
        editor.server.session.power.is_battery = False
        editor.open(text)
        await editor.settled()
        assert await editor.suggestion(0, 4) == SAID
        await editor.settled()
        return editor

    return start


@pytest.mark.parametrize("eagerness", ["keystroke", "request"])
async def test_typing_a_suggestion_to_its_end_asks_nothing(typist, eagerness):
    editor = await typist(eagerness=eagerness)
    for n, character in enumerate(SAID[:-1]):
        editor.change(2 + n, character, (0, 4 + n), (0, 4 + n))
        await editor.settled()
        assert await editor.suggestion(0, 5 + n) == SAID[n + 1 :]
    assert len(editor.backend.requests) == 1
    stats = [note["params"] for note in editor.notifications if note["method"] == "pylot/completion"]
    assert [each["version"] for each in stats] == list(range(1, 1 + len(SAID)))
    assert stats[0]["usage"]["tokens_evaluated"] > 0
    assert not any(number for each in stats[1:] for number in each["usage"].values())
    editor.change(99, SAID[-1], (0, 3 + len(SAID)), (0, 3 + len(SAID)))
    await editor.suggestion(0, 4 + len(SAID))
    assert len(editor.backend.requests) == 2


async def test_brackets_that_the_editor_closes_and_words_that_are_accepted_ask_nothing(typist):
    editor = await typist()
    editor.change(2, "total", (0, 4), (0, 4))
    editor.change(3, "()", (0, 9), (0, 9))
    assert await editor.suggestion(0, 10) == "a, [b]"
    editor.change(4, "a, ", (0, 10), (0, 10))
    editor.change(5, "[]", (0, 13), (0, 13))
    assert await editor.suggestion(0, 14) == "b"
    editor.change(6, "b", (0, 14), (0, 14))
    editor.change(7, "]", (0, 15), (0, 16))  # typed over
    editor.change(8, ")", (0, 16), (0, 17))
    await editor.settled()
    assert await editor.suggestion(0, 17) == " + 1"
    # All of it is taken back.
    editor.change(9, "", (0, 4), (0, 17))
    assert await editor.suggestion(0, 4) == SAID
    assert len(editor.backend.requests) == 1


async def test_a_client_that_sends_whole_documents_types_along_too(typist):
    editor = await typist()
    editor.change(2, "x = total\n")
    assert await editor.suggestion(0, 9) == SAID[5:]
    editor.change(3, "x = total()\n")
    assert await editor.suggestion(0, 10) == "a, [b]"
    assert len(editor.backend.requests) == 1


async def test_what_differs_is_asked_and_what_comes_back_is_not(typist):
    editor = await typist()
    editor.change(2, "s", (0, 4), (0, 4))
    assert await editor.suggestion(0, 5) == SAID
    editor.change(3, "", (0, 4), (0, 5))
    assert await editor.suggestion(0, 4) == SAID
    assert len(editor.backend.requests) == 2


async def test_the_list_holds_what_is_live_and_who_asks_by_hand_asks_anew(typist):
    editor = await typist(fallback="always")
    editor.change(2, "to", (0, 4), (0, 4))
    params = {"textDocument": {"uri": "file:///project/a.py"}, "position": {"line": 0, "character": 6}}
    (entry,) = (await editor.request("textDocument/completion", params))["result"]["items"]
    assert entry["textEdit"]["newText"] == SAID
    assert len(editor.backend.requests) == 1
    answer = await editor.request("textDocument/inlineCompletion", {**params, "context": {"triggerKind": 1}})
    assert answer["result"]["items"][0]["insertText"] == SAID
    assert [request.rank for request in editor.backend.requests] == [0, 0, 1, 2]


async def test_other_settings_end_what_is_live(typist):
    editor = await typist()
    editor.notify("workspace/didChangeConfiguration", {"settings": {"pylot-ls": {"completion": {"max_tokens": 3}}}})
    await editor.settled()
    assert await editor.suggestion(0, 4) == SAID[:12]
    assert len(editor.backend.requests) == 2


async def test_a_document_that_was_closed_is_asked_about_again(typist):
    editor = await typist()
    editor.notify("textDocument/didClose", {"textDocument": {"uri": "file:///project/a.py"}})
    editor.open("x = t\n")
    assert await editor.suggestion(0, 5) == SAID
    assert len(editor.backend.requests) == 2


@pytest.fixture
def decoding(connect, monkeypatch):
    """An editor whose question is half answered: eight characters are decoded."""
    half = asyncio.Event()
    hear = Underway.hear

    def overhear(underway, generated):
        hear(underway, generated)
        if len(generated.text) == 8:
            half.set()

    monkeypatch.setattr(Underway, "hear", overhear)

    async def start(eagerness="keystroke"):
        backend = Asked(n_tokens=2)
        editor = connect(backend, {"completion": {"look_ahead": False, "eagerness": eagerness}})
        await editor.initialize()
        editor.open("x = \n")
        await editor.settled()
        question = editor.ask(0, 4)
        await half.wait()
        return editor, question

    return start


async def test_who_types_along_what_is_being_decoded_gets_the_rest_of_it(decoding):
    editor, question = await decoding()
    newer = []
    for n in range(1, 4):
        editor.change(1 + n, SAID[n - 1], (0, 3 + n), (0, 3 + n))
        newer.append(editor.ask(0, 4 + n))
        assert (await question)["result"] is None
        question = newer[-1]
    editor.backend.resume()
    assert (await question)["result"]["items"][0]["insertText"] == SAID[3:]
    assert len(editor.backend.requests) == 1
    assert not editor.backend.cancelled


async def test_who_types_something_else_ends_what_is_being_decoded(decoding):
    editor, question = await decoding()
    editor.change(2, "t", (0, 4), (0, 4))
    along = editor.ask(0, 5)
    assert (await question)["result"] is None
    editor.change(3, "x", (0, 5), (0, 5))
    newer = editor.ask(0, 6)
    assert (await along)["result"] is None
    editor.backend.resume()
    assert (await newer)["result"]["items"][0]["insertText"] == SAID
    first, second = editor.backend.requests
    assert editor.backend.cancelled == [first.request_id]
    assert second.prompt[-1].text.endswith("x = tx")


async def test_who_types_beyond_what_is_decoded_asks_anew(decoding):
    editor, _ = await decoding()
    editor.change(2, SAID[:9], (0, 4), (0, 4))
    newer = editor.ask(0, 13)
    editor.backend.resume()
    assert (await newer)["result"]["items"][0]["insertText"] == SAID
    assert editor.backend.cancelled == [editor.backend.requests[0].request_id]


@pytest.mark.parametrize("along", [False, True])
async def test_who_cancels_ends_what_is_being_decoded(decoding, along):
    # What an edit began goes on without the request.
    editor, question = await decoding("request")
    for n in range(2 if along else 0):
        editor.change(2 + n, "to"[n], (0, 4 + n), (0, 4 + n))
        question = editor.ask(0, 5 + n)
        await turn()
    editor.notify("$/cancelRequest", {"id": question.msg_id})
    assert (await question)["error"]["code"] == -32800
    await editor.backend.has_cancelled.wait()
    assert len(editor.backend.requests) == 1


async def test_while_a_suggestion_is_on_the_screen_what_follows_it_is_prepared(typist):
    editor = await typist(look_ahead=True)
    assert editor.backend.priorities == [Priority.KEYSTROKE, Priority.BACKGROUND]
    assert editor.backend.requests[1].prompt[-1].text == f"x = {SAID}"
    editor.change(2, SAID, (0, 4), (0, 4))
    assert await editor.suggestion(0, 4 + len(SAID)) == SAID
    await editor.settled()
    assert editor.backend.priorities[1:] == [Priority.BACKGROUND] * 2
    assert editor.backend.requests[2].prompt[-1].text == f"x = {SAID}{SAID}"


@pytest.mark.parametrize(
    ("completion", "battery"),
    [({"eagerness": "request"}, False), ({}, True), ({"look_ahead": False}, False)],
    ids=["work begins when the editor asks", "on battery", "switched off"],
)
async def test_nothing_is_prepared_where_the_user_does_not_want_it(connect, completion, battery):
    editor = connect(Asked(), {"completion": completion})
    await editor.initialize()
    editor.server.session.power_watch.cancel()
    editor.server.session.power.is_battery = battery
    editor.open("x = \n")
    await editor.settled()
    await editor.suggestion(0, 4)
    await editor.settled()
    assert editor.backend.priorities == [Priority.KEYSTROKE]


async def test_without_an_anchor_nothing_is_prepared(connect):
    editor = connect(Asked(), {"prompt": {"anchored": False}})
    await editor.initialize()
    editor.open("x = \n")
    await editor.suggestion(0, 4)
    await editor.settled()
    assert editor.backend.priorities == [Priority.KEYSTROKE]


async def test_what_could_not_be_prepared_is_asked_when_somebody_gets_there_and_nobody_is_told(typist):
    failures = iter([DecodeError("no memory")])

    def script(prompt):
        for error in failures if prompt[-1].text.endswith(SAID) else ():
            raise error
        return SAID

    editor = await typist(Asked(script), look_ahead=True)
    assert editor.backend.priorities == [Priority.KEYSTROKE, Priority.BACKGROUND]
    editor.change(2, SAID, (0, 4), (0, 4))
    assert await editor.suggestion(0, 4 + len(SAID)) == SAID
    assert editor.backend.priorities[2] is Priority.KEYSTROKE
    assert not editor.messages()


async def test_a_paste_ends_what_is_being_prepared(typist):
    backend = Asked()
    editor = await typist(backend)
    settings = editor.server.session.settings
    completion = settings.completion.model_copy(update={"look_ahead": True})
    editor.server.session.settings = settings.model_copy(update={"completion": completion})
    editor.change(2, "t", (0, 4), (0, 4))
    await editor.settled()
    backend.pause()
    backend.has_asked.clear()
    await editor.suggestion(0, 5)
    await backend.has_asked.wait()
    assert len(backend.requests) == 2
    editor.change(3, "y = 1\n" * 3, (0, 0), (0, 0))
    await backend.has_cancelled.wait()
    assert backend.cancelled == [backend.requests[1].request_id]
    backend.resume()


async def test_a_real_model_has_the_next_suggestion_when_one_is_accepted(tmp_path):
    environment = {
        "XDG_CONFIG_HOME": str(tmp_path),
        "PYLOT_LS_COMPLETION_MAX_TOKENS": "4",
        "PYLOT_LS_COMPLETION_CONFIDENCE": "0",
        "PYLOT_LS_COMPLETION_EAGERNESS": "keystroke",
        # Behind what a smaller prompt gave nothing is prepared.
        "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0",
        "PYLOT_LS_CACHE_ENABLED": "false",
    }
    source = sample_path().read_text(encoding="utf-8")
    # Ways to begin the line, for one behind which the model goes on; as after a person has looked at it for a while.
    beginnings = itertools.product((10, 100), ("value = self.", "for item in ", "return ", "if not ", "self."))
    found = []
    async with EditorClient((sys.executable, "-m", "pylot_ls"), environment) as editor:
        await editor.loaded()
        for number, (n_rounds, begun) in enumerate(beginnings):
            editor.open(f"file:///project/{number}.py", "python", source)
            end = (60, 8 + len(begun))
            shown = await editor.type((60, 8), (60, 8), begun, end)
            for _ in range(n_rounds):
                assert (await editor.ask(end)).text == shown.text
            assert shown.tokens_evaluated
            if not shown.text or "\n" in shown.text:
                continue
            accepted = await editor.type(end, end, shown.text, (60, end[1] + len(shown.text)))
            found.append(accepted.typed_through)
            if accepted.typed_through:
                break
    assert found[-1]
