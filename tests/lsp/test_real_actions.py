"""Code actions of the real server as a child process on the bundled model, with the capabilities of real editors."""

from __future__ import annotations

import sys

import pytest
import pytest_asyncio
import pytest_lsp
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import client_capabilities

from pylot_ls.bundled import sample_path

pytestmark = pytest.mark.asyncio

URI = "file:///project/inventory.py"
DOCSTRING = "refactor.rewrite.docstring"


# Of those recorded, the two that resolve actions.
@pytest_asyncio.fixture(params=["neovim@0.11.0", "visual_studio_code"])
async def client(request, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    client = pytest_lsp.make_test_lsp_client()
    await client.start_io(sys.executable, "-m", "pylot_ls")
    await client.initialize_session(types.InitializeParams(capabilities=client_capabilities(request.param)))
    yield client
    await client.shutdown_session()
    await client.stop()
    assert client._server.returncode == 0


async def first_docstring(client, source):
    """Of the first definition of which the model has something to say: its line, and the edit."""
    for name in ("total", "value", "by_price", "save", "load"):
        line = source[: source.index(f"def {name}(self")].count("\n")
        place = types.Range(types.Position(line, 8), types.Position(line, 8))
        context = types.CodeActionContext([], only=[DOCSTRING])
        (action,) = await client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(URI), place, context)
        )
        try:
            return line, (await client.code_action_resolve_async(action)).edit
        except JsonRpcException as error:
            if "nothing to say" not in error.message:
                raise
    raise AssertionError("the bundled model has no docstring for any of them")


async def test_an_editor_gets_the_docstring_that_the_model_writes(client):
    source = sample_path().read_text(encoding="utf-8")
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 1, source)))
    line, edit = await first_docstring(client, source)
    (change,) = edit.document_changes
    assert change.text_document == types.OptionalVersionedTextDocumentIdentifier(URI, 1)
    (added,) = change.edits
    assert added.range.start == added.range.end == types.Position(line + 1, 0)
    assert added.new_text.startswith('        """')
    assert added.new_text.endswith('"""\n')
