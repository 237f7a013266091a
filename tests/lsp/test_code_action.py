"""Code actions over the protocol: what is listed, what resolving one gives, and what it never does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from action_client import (
    LITERALS_ALONE,
    MODERN,
    SOURCE,
    URI,
    applied,
    fenced,
    listed,
    listing,
    of_kind,
    resolved,
    run_command,
    started,
)

from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.features.actions.kinds import KINDS
from pylot_ls.features.privacy import file_path
from pylot_ls.lsp.handlers.code_action import ACTION_COMMAND

pytestmark = pytest.mark.asyncio

EDITS = {"workspace": {"applyEdit": True}}


async def test_what_the_server_says_it_can_do(connect):
    editor = await started(connect)
    provider = editor.answer["capabilities"]["codeActionProvider"]
    assert provider["resolveProvider"] is True
    assert "refactor.rewrite.docstring" in provider["codeActionKinds"]
    assert ACTION_COMMAND in editor.answer["capabilities"]["executeCommandProvider"]["commands"]


async def test_a_list_asks_no_model(connect, watched_backend):
    backend = watched_backend("")
    editor = await started(connect, backend=backend)
    assert [each["kind"] for each in await listed(editor)] == [
        "refactor.rewrite.docstring",
        "refactor.explain",
        "refactor.tests",
        "refactor.rewrite.simplify",
        "refactor.rewrite.types",
        "refactor.rename",
    ]
    assert backend.submitted == []


async def test_only_what_the_model_can_do_is_listed(connect):
    backend = ScriptedBackend(info=replace(SCRIPTED_MODEL, chats=False))
    editor = await started(connect, backend=backend)
    assert [each["kind"] for each in await listed(editor)] == ["refactor.rewrite.docstring", "refactor.explain"]
    backend = ScriptedBackend(info=replace(SCRIPTED_MODEL, chats=False, fim=None))
    assert await listed(await started(connect, backend=backend)) == []


async def test_who_asks_while_the_model_is_loaded_gets_the_list_when_it_is_known_what_it_can_do(connect):
    backend = ScriptedBackend()
    backend.pause()
    editor = connect(backend)
    await editor.initialize(MODERN)
    editor.open(SOURCE, uri=URI, language="python")
    assert await listed(editor, 5, 4, triggerKind=2) == []
    answer = listing(editor, 5, 4)
    backend.resume()
    assert (await answer)["result"]


async def test_a_client_asks_for_some_kinds_only(connect):
    editor = await started(connect)
    names = ["refactor.rewrite.docstring", "refactor.rewrite.simplify", "refactor.rewrite.types"]
    assert [each["kind"] for each in await listed(editor, only=["refactor.rewrite"])] == names
    assert [each["kind"] for each in await listed(editor, only=["refactor.rewrite.types"])] == names[-1:]
    assert await listed(editor, only=["source"]) is None
    assert len(await listed(editor, only=[""])) == 6
    assert await listed(editor, only=["refactor.rew"]) is None


async def test_unasked_only_what_the_place_itself_asks_for_is_listed(connect):
    editor = await started(connect)
    assert await listed(editor, triggerKind=2) == []
    (pressing,) = await listed(editor, 5, 4, triggerKind=2)
    assert (pressing["kind"], pressing["isPreferred"]) == ("refactor.rewrite.implement", True)


async def test_a_resolved_action_has_an_edit_of_this_version_that_is_to_be_confirmed(connect):
    editor = await started(connect, fenced("Return the sum of all items."))
    action = (await resolved(editor, "docstring"))["result"]
    (change,) = action["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": URI, "version": 1}
    (edit,) = change["edits"]
    assert edit["newText"] == '    """Return the sum of all items."""\n'
    assert edit["range"] == {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}
    assert action["edit"]["changeAnnotations"][edit["annotationId"]] == {
        "label": "Document total",
        "needsConfirmation": True,
    }


async def test_a_client_without_versions_and_annotations_gets_plain_changes(connect):
    plain = {**MODERN, "workspace": {"applyEdit": True}}
    editor = await started(connect, fenced("Return the sum."), capabilities=plain)
    edit = (await resolved(editor, "docstring"))["result"]["edit"]
    assert edit == {
        "changes": {
            URI: [
                {
                    "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}},
                    "newText": '    """Return the sum."""\n',
                }
            ]
        }
    }


async def test_a_client_that_resolves_nothing_gets_a_command_that_edits(connect):
    capabilities = {**LITERALS_ALONE, "workspace": {"applyEdit": True}}
    editor = await started(connect, fenced("Return the sum."), capabilities=capabilities)
    editor.results["workspace/applyEdit"] = {"applied": True}
    action = await of_kind(editor, "docstring")
    assert "data" not in action
    answer = await run_command(editor, *action["command"]["arguments"])
    assert answer["result"] == {"kind": "docstring", "applied": True, "text": "", "name": ""}
    (request,) = [each for each in editor.requests if each["method"] == "workspace/applyEdit"]
    assert request["params"]["edit"]["changes"][URI][0]["newText"] == '    """Return the sum."""\n'


async def test_a_client_that_would_stand_still_while_it_resolves_gets_a_command(connect):
    editor = await started(connect, fenced("Return the sum."), client="helix")
    editor.results["workspace/applyEdit"] = {"applied": True}
    action = await of_kind(editor, "docstring")
    assert "data" not in action
    assert (await editor.request("codeAction/resolve", action))["result"] == action
    assert (await run_command(editor, *action["command"]["arguments"]))["result"]["applied"] is True


@pytest.mark.parametrize(("client", "n_told"), [("helix", 1), ("an editor", 0)])
async def test_a_client_that_shows_no_errors_is_sent_a_message(connect, client, n_told):
    editor = await started(connect, "I would not change that.", client=client)
    action = await of_kind(editor, "simplify")
    arguments = action["command"]["arguments"] if client == "helix" else [action["data"]]
    why = (await run_command(editor, *arguments))["error"]["message"]
    assert editor.messages() == [f"pylot-ls: {why}"] * n_told


async def test_a_client_without_literals_gets_commands(connect):
    editor = await started(connect, capabilities={})
    assert {each["command"] for each in await listed(editor)} == {ACTION_COMMAND}


async def test_an_edit_that_the_client_does_not_make_is_said(connect):
    editor = await started(connect, fenced("Sum."), capabilities={"workspace": {"applyEdit": True}})
    editor.results["workspace/applyEdit"] = {"applied": False, "failureReason": "no"}
    (command,) = [each for each in await listed(editor) if each["arguments"][0]["kind"] == "docstring"]
    answer = await run_command(editor, *command["arguments"])
    assert answer["error"]["message"] == "The editor did not make the change."


async def test_a_keymap_names_kind_and_range_alone(connect):
    editor = await started(connect, fenced("Sum."), capabilities={"workspace": {"applyEdit": True}})
    editor.results["workspace/applyEdit"] = {"applied": True}
    place = {"line": 0, "character": 4}
    answer = await run_command(editor, {"kind": "docstring", "uri": URI, "range": {"start": place, "end": place}})
    assert answer["result"]["applied"] is True


async def test_an_explanation_is_shown_as_a_document_and_is_the_commands_result(connect, tmp_path):
    path = tmp_path / "shop.py"
    editor = await started(connect, "It adds.\n\nAll of them.", uri=path.as_uri())
    editor.results["window/showDocument"] = {"success": True}
    action = await of_kind(editor, "explain", uri=path.as_uri())
    answer = await run_command(editor, *action["command"]["arguments"])
    assert answer["result"]["text"] == "## total\n\nIt adds.\n\nAll of them.\n"
    (request,) = [each for each in editor.requests if each["method"] == "window/showDocument"]
    shown = file_path(request["params"]["uri"])
    assert shown.read_text(encoding="utf-8") == answer["result"]["text"]
    await editor.server.session.close()
    assert not shown.exists()


async def test_what_leaves_no_trace_is_explained_in_a_message(connect, tmp_path):
    path = tmp_path / "secrets.py"
    editor = await started(connect, "It adds.\n\nAll.", uri=path.as_uri())
    action = await of_kind(editor, "explain", uri=path.as_uri())
    await run_command(editor, *action["command"]["arguments"])
    assert not [each for each in editor.requests if each["method"] == "window/showDocument"]
    assert editor.messages() == ["## total\n\nIt adds.\n\nAll."]


async def test_tests_come_as_a_new_file_that_overwrites_none(connect):
    code = "from shop import total\n\n\ndef test_total():\n    assert total([1]) == 1"
    editor = await started(connect, fenced(code))
    create, change = (await resolved(editor, "tests"))["result"]["edit"]["documentChanges"]
    assert create["uri"] == change["textDocument"]["uri"] == "file:///project/test_shop.py"
    assert create["options"] == {"overwrite": False, "ignoreIfExists": False}
    assert change["textDocument"]["version"] is None
    assert change["edits"][0]["newText"] == code + "\n"


async def test_tests_get_a_name_that_no_document_and_no_file_has(connect, tmp_path):
    uri = (tmp_path / "shop.py").as_uri()
    (tmp_path / "test_shop.py").touch()
    editor = await started(connect, fenced("from shop import total"), uri=uri)
    editor.open("", uri=(tmp_path / "test_shop_2.py").as_uri())
    action = await editor.request("codeAction/resolve", await of_kind(editor, "tests", uri=uri))
    assert action["result"]["edit"]["documentChanges"][0]["uri"] == (tmp_path / "test_shop_3.py").as_uri()


async def test_a_diagnostic_of_the_client_is_fixed(connect):
    place = {"start": {"line": 1, "character": 12}, "end": {"line": 1, "character": 15}}
    diagnostic = {"range": place, "message": "sum is\nodd", "severity": 1, "code": 7, "source": "lint"}
    code = "def total(items):\n    price = len(items)\n    return price"
    editor = await started(connect, fenced(code))
    action = await of_kind(editor, "fix", 1, 12, diagnostics=[diagnostic])
    assert action["title"] == "Fix: sum is odd"
    assert action["kind"] == "quickfix.fix"
    assert action["diagnostics"] == [diagnostic]
    result = (await editor.request("codeAction/resolve", action))["result"]
    assert applied(SOURCE, result["edit"]) == SOURCE.replace("sum(", "len(")


async def test_an_answer_that_does_not_parse_is_shown_and_changes_nothing(connect):
    code = "def total(items):\n    return (((\n"
    editor = await started(connect, fenced(code))
    (await of_kind(editor, "simplify"))
    answer = await resolved(editor, "simplify")
    assert "does not define total" in answer["error"]["message"]


@pytest.mark.parametrize("answer", ["", "<|im_end|> no", "again and " * 500])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_useless_answer_to_any_kind_is_said_and_nothing_is_edited(connect, kind, answer):
    text = SOURCE.replace("    return", "    # сумма\n    return")
    line, character = {"implement": (6, 4), "rename": (1, 4)}.get(kind, (0, 4))
    place = {"start": {"line": 1, "character": 12}, "end": {"line": 1, "character": 15}}
    editor = await started(connect, answer, capabilities={**LITERALS_ALONE, **EDITS}, text=text)
    action = await of_kind(editor, kind, line, character, diagnostics=[{"range": place, "message": "sum is odd"}])
    said = (await run_command(editor, *action["command"]["arguments"]))["error"]["message"]
    assert said.startswith(("The model had nothing to say", "The model's answer", "The model did not come to an end"))
    assert not [each for each in editor.requests if each["method"] == "workspace/applyEdit"]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("docstring", "params.arguments[0]: is not valid, expected an object"),
        ({"kind": "polish", "uri": URI}, "params.arguments[0].kind: is not valid, expected one of fix, implement"),
        ({"kind": "fix", "uri": 3}, "params.arguments[0].uri: is not valid, expected a string"),
        ({"kind": "fix", "uri": "file:///none"}, "params.arguments[0].uri: there is no open document of that name"),
        ({"kind": "fix", "uri": URI, "range": 3}, "params.arguments[0].range: is not valid, expected a range"),
        (
            {"kind": "fix", "uri": URI, "range": {"start": {"line": -1, "character": 0}, "end": 1}},
            "params.arguments[0].range.start.line: is not valid, expected an integer from 0",
        ),
        (
            {"kind": "docstring", "uri": URI, "mark": 1, "start": 3, "end": 1},
            "params.arguments[0].end: is not valid, the range is not in the document",
        ),
        (
            {"kind": "docstring", "uri": URI, "mark": 1, "start": 0, "end": 10**6},
            "params.arguments[0].end: is not valid, the range is not in the document",
        ),
        (
            {"kind": "fix", "uri": URI, "mark": 1, "start": 0, "end": 0, "diagnostic": {"start": 0, "end": 0}},
            "params.arguments[0].diagnostic.message: is not valid, expected a string",
        ),
    ],
)
async def test_wrong_arguments_are_refused_by_name(connect, data, what):
    editor = await started(connect)
    await listed(editor)
    error = (await run_command(editor, data))["error"]
    assert error["code"] == -32602
    assert error["message"].startswith(what)


async def test_what_is_asked_for_where_it_does_not_apply_is_refused(connect):
    editor = await started(connect, "x")
    for kind in ("docstring", "implement", "tests", "explain", "types", "rename", "simplify", "translate"):
        place = {"line": 3, "character": 0}
        answer = await run_command(editor, {"kind": kind, "uri": URI, "range": {"start": place, "end": place}})
        assert answer["error"]["code"] == -32803, (kind, answer)
    answer = await run_command(editor, {"kind": "fix", "uri": URI, "range": {"start": place, "end": place}})
    assert answer["error"]["message"] == "The problem that was to be fixed is gone."


async def test_a_range_outside_of_the_document_lists_nothing_that_breaks(connect):
    editor = await started(connect)
    assert await listed(editor, 900, 900, end=(901, 5)) == []
    assert await listed(editor, uri="file:///not/open.py") is None
