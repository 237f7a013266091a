"""What the editor says of its documents, rightly or not."""

from __future__ import annotations

import os
import sys

import pytest

from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend

pytestmark = pytest.mark.asyncio


def echoing():
    """A backend that answers the line typed so far."""

    def script(prompt):
        middle = [part.text for part in prompt if isinstance(part, TextSegment)][-1]
        return f"<{middle.rpartition(chr(10))[2]}>"

    return ScriptedBackend(script)


@pytest.mark.parametrize("stale", [5, 3, -7])
async def test_an_edit_with_a_version_that_is_no_newer_is_made_and_the_version_logged(connect, caplog, stale):
    editor = connect(echoing())
    await editor.initialize()
    editor.open("hunter2 = \n")
    editor.change(5, "b", (0, 10), (0, 10))
    editor.change(stale, "c", (0, 11), (0, 11))
    assert await editor.suggestion(0, 12) == "<hunter2 = bc>"
    assert f"version {stale} follows version 5" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("kind", ["a file", "up and down", "a link", "a pipe", "another machine's"])
async def test_of_what_is_not_open_nothing_is_read_wherever_its_uri_leads(connect, tmp_path, kind):
    if sys.platform == "win32" and kind in {"a link", "a pipe"}:
        pytest.skip("pipes and links are POSIX")
    (tmp_path / "a.py").write_text("def secret():\n    return 1\n", encoding="utf-8")
    (tmp_path / "project").mkdir()
    if kind == "a link":
        (tmp_path / "project" / "b.py").symlink_to(tmp_path / "a.py")
    if kind == "a pipe":
        os.mkfifo(tmp_path / "project" / "b.py")  # whoever opened it would wait for ever
    uri = {
        "a file": (tmp_path / "a.py").as_uri(),
        "up and down": (tmp_path / "project").as_uri() + "/..%2Fa.py",
        "another machine's": "file://server/share/a.py",
    }.get(kind, (tmp_path / "project" / "b.py").as_uri())
    editor = connect()
    await editor.initialize()
    for method in ("textDocument/inlineCompletion", "textDocument/completion", "textDocument/hover"):
        assert not ((await editor.ask(0, 5, method, uri=uri))["result"] or {}).get("items")
    ranges = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}}
    params = {"textDocument": {"uri": uri}, **ranges, "context": {"diagnostics": []}}
    assert not (await editor.request("textDocument/codeAction", params))["result"]


@pytest.mark.parametrize(
    "method", ["textDocument/inlineCompletion", "textDocument/completion", "textDocument/hover", "codeAction"]
)
@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (2**31, 0), (0.5, 0), ("0", 0), (None, 0)])
async def test_a_place_that_there_cannot_be_is_answered_by_invalid_params(connect, method, place):
    editor = connect()
    await editor.initialize()
    editor.open("x = \n")
    if method == "codeAction":
        position = {"line": place[0], "character": place[1]}
        params = {"textDocument": {"uri": "file:///project/a.py"}, "context": {"diagnostics": []}}
        params["range"] = {"start": position, "end": position}
        answer = await editor.request("textDocument/codeAction", params)
    else:
        answer = await editor.ask(*place, method)
    assert answer["error"]["code"] == -32602
    assert await editor.suggestion(0, 4) == "completed()"
