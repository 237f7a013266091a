"""What happens while the model works on a code action: edits, a document that is closed, a user who cancels."""

from __future__ import annotations

import pytest
from action_client import (
    URI,
    fenced,
    listing,
    of_kind,
    resolved,
    started,
)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def at_work(connect, watched_backend):
    """An editor whose model holds still, its backend, the action that was chosen, and the answer to come."""

    async def start():
        backend = watched_backend(fenced("Return the sum."))
        editor = await started(connect, backend=backend)
        action = await of_kind(editor, "docstring")
        backend.pause()
        answer = editor.request("codeAction/resolve", action)
        await backend.asked.get()
        return editor, backend, action, answer

    return start


async def test_an_edit_above_while_the_model_works_moves_the_change(at_work):
    editor, backend, _, answer = await at_work()
    editor.change(2, "import os\n\n\n", (0, 0), (0, 0), uri=URI)
    backend.resume()
    (change,) = (await answer)["result"]["edit"]["documentChanges"]
    assert change["textDocument"]["version"] == 2
    assert change["edits"][0]["range"]["start"] == {"line": 4, "character": 0}


CHANGED = "The code has changed since; nothing was done. Ask once more."


async def test_an_edit_of_the_code_itself_ends_the_action(at_work):
    editor, backend, _, answer = await at_work()
    editor.change(2, "x", (1, 4), (1, 4), uri=URI)
    backend.resume()
    assert (await answer)["error"]["message"] == CHANGED


async def test_no_model_is_asked_about_a_line_that_is_another_one_by_now(connect, watched_backend):
    backend = watched_backend(fenced("Return the sum."))
    editor = await started(connect, backend=backend)
    action = await of_kind(editor, "docstring")
    editor.change(2, "x", (0, 4), (0, 4), uri=URI)
    assert (await editor.request("codeAction/resolve", action))["error"]["message"] == CHANGED
    assert backend.submitted == []


async def test_an_edit_further_down_in_the_same_function_is_noticed_in_the_end(connect):
    editor = await started(connect, fenced("Return the sum."))
    action = await of_kind(editor, "docstring")
    editor.change(2, "x", (1, 4), (1, 4), uri=URI)
    assert (await editor.request("codeAction/resolve", action))["error"]["message"] == CHANGED


async def test_a_document_closed_while_the_model_works_is_left_alone(at_work):
    editor, backend, action, answer = await at_work()
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    backend.resume()
    assert (await answer)["error"]["message"] == "The document was closed while the model worked."
    assert "error" in await editor.request("codeAction/resolve", action)


async def test_a_cancelled_request_ends_the_models_work(at_work):
    editor, backend, _, answer = await at_work()
    editor.notify("$/cancelRequest", {"id": answer.msg_id})
    assert (await answer)["error"]["code"] == -32800
    assert backend.cancelled == backend.submitted


async def test_progress_is_shown_and_can_be_cancelled(at_work):
    editor, backend, _, answer = await at_work()
    await editor.settled()
    shown = [each["params"] for each in editor.notifications if each["method"] == "$/progress"]
    (begun,) = [each for each in shown if each["value"].get("title") == "Document total"]
    assert begun["value"]["cancellable"] is True
    editor.notify("window/workDoneProgress/cancel", {"token": begun["token"]})
    assert (await answer)["error"]["code"] == -32800
    assert backend.cancelled == backend.submitted
    ended = [each["params"] for each in editor.notifications if each["method"] == "$/progress"][-1]
    assert ended == {"token": begun["token"], "value": {"kind": "end"}}


async def test_a_client_that_never_agrees_to_progress_delays_nothing(connect):
    editor = await started(connect, fenced("Return the sum."))
    editor.silent.add("window/workDoneProgress/create")
    assert "edit" in (await resolved(editor, "docstring"))["result"]


async def test_lists_beside_edits_disturb_nobody(connect):
    editor = await started(connect, fenced("Return the sum."))
    answers = [listing(editor) for _ in range(5)]
    editor.change(2, "\n", (7, 0), (7, 0), uri=URI)
    assert all([(await answer)["result"] for answer in answers])
