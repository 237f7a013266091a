"""What becomes of suggestions reaches the log, from edits alone and from what editors tell."""

from __future__ import annotations

import os
import stat
from datetime import date, datetime

import pytest
from asked_backend import Asked

from pylot_ls.config.feedback import feedback_log
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.features.feedback import Verdict
from pylot_ls.lsp import feedback

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"
ANSWER = "completed(one, two)"


async def started(connect, answer=ANSWER, *, overrides=None, capabilities=None, text="x = \ny = 1\n", uri=URI):
    """An editor with an open document that asked behind ``x = ``."""
    editor = connect(ScriptedBackend(answer), overrides)
    editor.answer = await editor.initialize(capabilities)
    editor.open(text, uri=uri, language="python")
    await editor.settled()
    editor.item = await item(editor, 4, uri)
    return editor


async def item(editor, character, uri=URI):
    result = (await editor.ask(0, character, uri=uri))["result"]
    return result["items"][0] if result and result["items"] else None


async def logged(editor):
    """End the session; what was logged, as (verdict, suggestions, characters, accepted, kept)."""
    await editor.server.session.close()
    totals = feedback_log().totals(date.min)
    assert all(total.day == datetime.now().astimezone().date() and total.language == "python" for total in totals)
    return [(each.verdict, each.n_suggestions, each.n_characters, each.n_accepted, each.n_kept) for each in totals]


def accept(editor, text=ANSWER, version=2, character=4):
    editor.change(version, text, (0, character), (0, character))


async def run_command(editor, *arguments, command="pylot.accepted"):
    return await editor.request("workspace/executeCommand", {"command": command, "arguments": list(arguments)})


async def tell(editor, method, item, **more):
    editor.notify(f"textDocument/{method}", {"item": item, **more})


async def test_an_editor_that_tells_nothing_is_watched(connect):
    editor = await started(connect)
    accept(editor)
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 19, 19, 19)]


async def test_what_is_typed_along_is_one_suggestion_however_often_it_is_asked(connect):
    editor = await started(connect, lambda prompt: ANSWER[len(prompt[-1].text.rpartition("x = ")[2]) :])
    for n, character in enumerate(ANSWER):
        editor.change(2 + n, character, (0, 4 + n), (0, 4 + n))
        if n < len(ANSWER) - 3:
            assert (await item(editor, 5 + n))["insertText"] == ANSWER[n + 1 :]
    assert await logged(editor) == [(Verdict.TYPED, 1, 19, 0, 0)]


async def test_a_part_and_what_it_has_grown_to_are_one_suggestion(connect):
    backend = Asked("total(amount, 1)", n_tokens=2)
    editor = connect(backend, {"completion": {"look_ahead": False}})
    await editor.initialize(options={"completion": {"answer_after_ms": 1}})
    editor.open("x = \n", language="python")
    await editor.settled()
    parts = [await item(editor, 4)]
    await backend.holding()
    editor.change(2, "to", (0, 4), (0, 4))
    parts.append(await item(editor, 6))
    backend.resume()
    await editor.settled()
    parts.append(await item(editor, 6))
    assert [part["insertText"] for part in parts] == ["total", "tal", "tal(amount, 1)"]
    accept(editor, "tal(amount, 1)", 3, 6)
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 16, 14, 14)]


async def test_another_suggestion_elsewhere_leaves_the_one_before_ignored(connect):
    editor = await started(connect)
    assert await item(editor, 3)
    assert await logged(editor) == [(Verdict.IGNORED, 2, 38, 0, 0)]


async def test_an_entry_of_the_completion_list_counts_too(connect):
    editor = connect(ScriptedBackend(ANSWER))
    await editor.initialize()
    editor.open("x = com\n", language="python")
    (entry,) = (await editor.ask(0, 7, "textDocument/completion"))["result"]["items"]
    assert entry["command"]["command"] == "pylot.accepted"
    # Helix replaces the word before the cursor.
    editor.change(2, entry["textEdit"]["newText"], (0, 4), (0, 7))
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 19, 19, 19)]


async def test_an_answer_that_came_too_late_was_not_shown(connect, watched_backend):
    backend = watched_backend(ANSWER)
    editor = connect(backend)
    await editor.initialize()
    editor.open("x = \n", language="python")
    await editor.server.session.engine.ready()  # loading is a step, too
    backend.pause()
    late = editor.ask(0, 4)
    await backend.asked.get()
    editor.open("x = \n", language="python")
    backend.resume()
    assert (await late)["result"]
    assert await logged(editor) == []


async def test_an_editor_runs_the_items_command_after_accepting(connect):
    editor = await started(connect)
    assert "pylot.accepted" in editor.answer["capabilities"]["executeCommandProvider"]["commands"]
    assert editor.item["command"]["command"] == "pylot.accepted"
    # In a form that only the editor knows to be the suggestion.
    accept(editor, "completed( one, two )")
    answer = await run_command(editor, *editor.item["command"]["arguments"])
    assert answer["result"] is None
    ((verdict, n, _, n_accepted, n_kept),) = await logged(editor)
    assert (verdict, n, n_accepted) == (Verdict.ACCEPTED, 1, 19)
    assert 0 < n_kept <= 19


async def test_an_editor_may_tell_before_it_sends_the_edit(connect):
    editor = await started(connect)
    await run_command(editor, *editor.item["command"]["arguments"])
    accept(editor)
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 19, 19, 19)]


async def test_an_editor_tells_of_a_part_in_units_of_utf16(connect):
    editor = await started(connect, "'😀' + b")
    accept(editor, "'😀'")
    await tell(editor, "didPartiallyAcceptCompletion", editor.item, acceptedLength=4)
    assert await logged(editor) == [(Verdict.ACCEPTED_WORD, 1, 7, 3, 3)]


async def test_a_part_of_what_is_left_counts_from_what_was_answered_last(connect):
    editor = await started(connect, lambda prompt: ANSWER[len(prompt[-1].text.rpartition("x = ")[2]) :])
    editor.change(2, "co", (0, 4), (0, 4))
    rest = await item(editor, 6)
    assert rest["insertText"] == ANSWER[2:]
    await tell(editor, "didPartiallyAcceptCompletion", rest, acceptedLength=7)
    editor.change(3, "mpleted", (0, 6), (0, 6))
    assert await logged(editor) == [(Verdict.ACCEPTED_WORD, 1, 19, 7, 7)]


async def test_of_an_editor_that_tells_what_it_shows_only_that_counts(connect):
    editor = await started(connect)
    await tell(editor, "didShowCompletion", editor.item)
    assert await item(editor, 3)
    editor.change(2, "3", (1, 4), (1, 5))
    assert await logged(editor) == [(Verdict.IGNORED, 1, 19, 0, 0)]


async def test_what_such_an_editor_accepts_counts_in_any_case(connect):
    editor = await started(connect)
    await tell(editor, "didShowCompletion", editor.item)
    second = await item(editor, 3)
    editor.change(2, ANSWER, (0, 3), (0, 3))
    await run_command(editor, *second["command"]["arguments"])
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 19, 19, 19), (Verdict.IGNORED, 1, 19, 0, 0)]


async def test_what_is_kept_is_counted_half_a_minute_later(connect, monkeypatch):
    editor = await started(connect)
    later = []
    monkeypatch.setattr(editor.server.session.feedback, "_call_later", lambda *call: later.append(call))
    accept(editor)
    editor.change(3, "", (0, 14), (0, 17))
    ((delay_s, measure),) = later
    assert delay_s == feedback.KEPT_AFTER_S == 30
    measure()
    editor.change(4, "", (0, 0), (0, 20))
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 19, 19, 16)]


async def test_closing_a_document_counts_what_is_kept_by_then(connect):
    editor = await started(connect)
    accept(editor)
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert not editor.server.session.feedback._accepted
    editor.open("another", language="python")
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 19, 19, 19)]


async def test_closing_a_document_settles_what_was_shown_there(connect):
    editor = await started(connect)
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert await logged(editor) == [(Verdict.IGNORED, 1, 19, 0, 0)]


async def test_the_log_holds_no_code_and_no_names_of_files(connect):
    editor = await started(connect)
    accept(editor)
    await logged(editor)
    path = feedback_log().path
    content = path.read_bytes()
    for private in (b"completed", b"project", b"a.py"):
        assert private not in content
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_code_is_kept_where_the_user_allows_it_and_never_of_private_files(connect, tmp_path):
    (tmp_path / "project").mkdir()
    for name, is_kept in (("secrets.py", False), ("a.py", True)):
        uri = (tmp_path / "project" / name).as_uri()
        editor = await started(connect, overrides={"feedback": {"keep_text": True}}, uri=uri)
        await logged(editor)
        assert (b"completed" in feedback_log().path.read_bytes()) is is_kept


async def test_switched_off_there_is_no_log_and_no_command(connect):
    editor = await started(connect, overrides={"feedback": {"enabled": False}})
    assert "command" not in editor.item
    accept(editor)
    assert (await run_command(editor, "id"))["result"] is None
    await editor.server.session.close()
    assert not feedback_log().path.parent.exists()


async def test_a_workspace_cannot_have_code_logged(connect):
    editor = connect(ScriptedBackend(ANSWER))
    await editor.initialize(options={"feedback": {"keepText": True, "enabled": False}})
    assert not editor.server.session.settings.feedback.keep_text
    assert editor.server.session.settings.feedback.enabled
    assert "feedback" in "".join(editor.messages())


async def test_a_suggestion_that_nobody_knows_changes_nothing(connect):
    editor = await started(connect)
    assert (await run_command(editor, "unknown"))["result"] is None
    unknown = {"command": {"command": "x", "arguments": ["unknown"]}}
    await tell(editor, "didShowCompletion", unknown)
    await tell(editor, "didPartiallyAcceptCompletion", unknown, acceptedLength=3)
    assert await logged(editor) == [(Verdict.IGNORED, 1, 19, 0, 0)]


@pytest.mark.parametrize("arguments", [[], [7], [None], ["a", "b"], [{"id": "a"}]])
async def test_a_command_with_wrong_arguments_is_refused(connect, arguments):
    editor = await started(connect)
    answer = await run_command(editor, *arguments)
    assert answer["error"]["code"] == -32602
    assert "arguments" in answer["error"]["message"]


@pytest.mark.parametrize(
    "params",
    [None, [], "x", {}, {"item": None}, {"item": {"command": "x"}}]
    + [{"item": {"command": {"arguments": value}}} for value in (None, 3, [], [3], [None], [[]])],
)
async def test_notifications_with_wrong_parameters_change_nothing(connect, params):
    editor = await started(connect)
    for method in ("didShowCompletion", "didPartiallyAcceptCompletion"):
        editor.notify(f"textDocument/{method}", params)
    assert await logged(editor) == [(Verdict.IGNORED, 1, 19, 0, 0)]


@pytest.mark.parametrize("length", [0, -1, 2.5, "3", None, True])
async def test_a_length_that_is_none_changes_nothing(connect, length):
    editor = await started(connect)
    await tell(editor, "didPartiallyAcceptCompletion", editor.item, acceptedLength=length)
    assert await logged(editor) == [(Verdict.IGNORED, 1, 19, 0, 0)]


async def test_a_fault_of_the_log_is_told_once_and_completions_go_on(connect, tmp_path):
    path = tmp_path / "state" / "pylot-ls" / "feedback" / "feedback.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"garbage" * 1000)
    editor = await started(connect)
    writer = editor.server.session.feedback._writer
    for version in (2, 3, 4):
        editor.change(version, "z", (1, 0), (1, 0))
        assert await item(editor, 4)
        writer.close()
        await editor.settled()
    await editor.server.session.close()
    (message,) = editor.messages()
    assert "not logged" in message
    assert "stats --clear" in message
    assert path.read_bytes() == b"garbage" * 1000


async def candidates_shown(editor):
    """Three at once, the first of them followed."""
    session = editor.server.session
    suggestion = (await session.suggest(session.documents.get(URI), 4)).suggestion
    candidates = [type(suggestion)(str(n), text, 4, 0.5) for n, text in enumerate(("alpha(b)", "alpha.beta", "gamma"))]
    session.feedback.shown(session.documents.get(URI), candidates)


async def test_of_several_candidates_the_accepted_one_counts(connect):
    editor = await started(connect)
    await candidates_shown(editor)
    accept(editor, "alpha.beta")
    assert await logged(editor) == [(Verdict.ACCEPTED, 1, 10, 10, 10), (Verdict.IGNORED, 1, 19, 0, 0)]


async def test_of_several_candidates_of_which_none_is_accepted_the_first_counts(connect):
    editor = await started(connect)
    await candidates_shown(editor)
    accept(editor, "z")
    assert await logged(editor) == [(Verdict.IGNORED, 1, 19, 0, 0), (Verdict.REJECTED, 1, 8, 0, 0)]


async def test_only_the_latest_suggestions_are_remembered(connect):
    editor = await started(connect)
    for version in range(2, 200):
        editor.change(version, "z", (1, 0), (1, 0))
        assert await item(editor, 4)
    assert len(editor.server.session.feedback._remembered) == feedback._N_REMEMBERED
    assert await logged(editor) == [(Verdict.IGNORED, 199, 199 * 19, 0, 0)]
