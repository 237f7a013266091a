"""The commands through a server of its own process, as an editor runs them."""

from __future__ import annotations

import sys

import pytest
import pytest_asyncio
import pytest_lsp
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from pylot_ls.engine.scripted_backend import SCRIPTED_OTHERS, SCRIPTED_TEXT

pytestmark = pytest.mark.asyncio

URI = "file:///project/a.py"
PLACE = {"line": 0, "character": 4}


@pytest_asyncio.fixture(params=["scripted", "bundled"])
async def client(request, tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYLOT_LS_COMPLETION_CONFIDENCE", "0")
    client = pytest_lsp.make_test_lsp_client()
    client.is_scripted = request.param == "scripted"
    await client.start_io(sys.executable, "-m", "pylot_ls", *(["--scripted"] if client.is_scripted else []))
    await client.initialize_session(types.InitializeParams(capabilities=types.ClientCapabilities()))
    item = types.TextDocumentItem(URI, "python", 1, "x = \nprint(x)\n")
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    yield client
    await client.shutdown_session()
    await client.stop()
    assert client._server.returncode == 0


async def run(client, command, *arguments):
    params = types.ExecuteCommandParams(f"pylot-ls.{command}", list(arguments))
    return await client.workspace_execute_command_async(params)


async def test_the_commands_do_what_they_say(client):
    result = await run(client, "regenerate", URI, PLACE)
    status = await run(client, "status")
    removed = await run(client, "clearCache")
    assert set(removed) == {"n_entries", "n_bytes"}
    model = status["models"][0]
    assert (model["state"], model["info"]["name"]) == ("ready", "scripted" if client.is_scripted else "pylot-tiny")
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 8}}
    if client.is_scripted:
        assert result["insertText"] == SCRIPTED_OTHERS[0]
        assert (await run(client, "explain", URI, whole))["text"] == SCRIPTED_TEXT
        assert (await run(client, "ask", URI, whole, "why?"))["is_complete"]
    else:
        assert result["insertText"]
        with pytest.raises(JsonRpcException, match="pylot-ls models use NAME --role chat"):
            await run(client, "explain", URI, whole)


async def test_an_unknown_command_is_refused(client):
    with pytest.raises(JsonRpcException, match=r"unknown command 'pylot-ls\.none'"):
        await run(client, "none")
