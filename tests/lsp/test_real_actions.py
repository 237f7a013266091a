"""Code actions of the real server as a child process on the bundled model, with the capabilities of real editors."""

from __future__ import annotations

import sys

import pytest
import pytest_asyncio
import pytest_lsp
from lsprotocol import types
from pytest_lsp import client_capabilities

from pylot_ls.bundled import sample_path

pytestmark = pytest.mark.asyncio

URI = "file:///project/inventory.py"
DOCSTRING = "refactor.rewrite.docstring"


@pytest_asyncio.fixture(params=["emacs", "neovim@0.11.0", "visual_studio_code"])
async def client(request, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    client = pytest_lsp.make_test_lsp_client()
    client.edits = []

    @client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        client.edits.append(params.edit)
        return types.ApplyWorkspaceEditResult(applied=True)

    await client.start_io(sys.executable, "-m", "pylot_ls")
    await client.initialize_session(types.InitializeParams(capabilities=client_capabilities(request.param)))
    yield client
    await client.shutdown_session()
    await client.stop()
    assert client._server.returncode == 0


async def test_an_editor_gets_the_docstring_that_the_model_writes(client):
    source = sample_path().read_text(encoding="utf-8")
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 1, source)))
    line = source[: source.index("def total")].count("\n")
    place = types.Range(types.Position(line, 8), types.Position(line, 8))
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(URI), place, types.CodeActionContext([], only=[DOCSTRING])
    )
    (action,) = await client.text_document_code_action_async(params)
    command = action if isinstance(action, types.Command) else action.command
    if command is None:
        edit = (await client.code_action_resolve_async(action)).edit
    else:
        await client.workspace_execute_command_async(types.ExecuteCommandParams(command.command, command.arguments))
        (edit,) = client.edits
    edits = edit.changes[URI] if edit.changes else edit.document_changes[0].edits
    (added,) = edits
    assert added.range.start == added.range.end == types.Position(line + 1, 0)
    assert added.new_text.startswith('        """')
    assert added.new_text.endswith('"""\n')
