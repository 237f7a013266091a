"""The real server as a child process on the bundled model, with the capabilities that real editors send."""

from __future__ import annotations

import asyncio
import sys

import pytest
import pytest_asyncio
import pytest_lsp
from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities

from pylot_ls.bundled import sample_path
from pylot_ls.lsp.client import EditorClient
from pylot_ls.text.files import document_from_file

pytestmark = pytest.mark.asyncio

URI = "file:///project/inventory.py"
# pytest-lsp's recordings; the two newest of them ask for inline completions in no way.
CLIENTS = ("emacs", "neovim@0.11.0", "visual_studio_code")


@pytest_asyncio.fixture(params=CLIENTS)
async def client(request, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    # What it says is shown, be it sure or not.
    monkeypatch.setenv("PYLOT_LS_COMPLETION_CONFIDENCE", "0")
    client = pytest_lsp.make_test_lsp_client()
    await client.start_io(sys.executable, "-m", "pylot_ls")
    capabilities = client_capabilities(request.param)
    await client.initialize_session(types.InitializeParams(capabilities=capabilities))
    yield client
    await client.shutdown_session()
    await client.stop()
    assert client._server.returncode == 0


def opened(client: LanguageClient, text: str) -> None:
    item = types.TextDocumentItem(URI, "python", 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))


def place(line: int, character: int) -> dict:
    return {"text_document": types.TextDocumentIdentifier(URI), "position": types.Position(line, character)}


async def test_an_editor_gets_the_models_suggestion_inline_and_as_a_list_entry(client):
    source = sample_path().read_text(encoding="utf-8")
    before = source[: source.index("in self.items\n") + len("in self")]
    opened(client, before + "\n")
    line = before.count("\n")
    character = len(before) - before.rfind("\n") - 1
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
    inline = await client.text_document_inline_completion_async(
        types.InlineCompletionParams(context=context, **place(line, character)),
    )
    (item,) = inline.items
    assert item.range == types.Range(types.Position(line, character), types.Position(line, character))
    assert item.insert_text
    listed = await client.text_document_completion_async(types.CompletionParams(**place(line, character)))
    (entry,) = listed.items
    assert entry.text_edit.new_text == "self" + item.insert_text


async def test_an_editor_gets_a_hover(client):
    source = sample_path().read_text(encoding="utf-8")
    opened(client, source)
    offset = source.index("def remove") + len("def ")
    line, character = source.count("\n", 0, offset), offset - source.rfind("\n", 0, offset) - 1
    found = await client.text_document_hover_async(types.HoverParams(**place(line, character)))
    assert found.range == types.Range(types.Position(line, character), types.Position(line, character + len("remove")))
    assert "def remove(self" in found.contents.value
    assert (found.contents.kind == types.MarkupKind.Markdown) == found.contents.value.startswith("```python\n")
    assert await client.text_document_hover_async(types.HoverParams(**place(line, character - 1))) is None


async def test_a_binary_looking_document_is_no_error(client):
    opened(client, "\x00\x01\x7f" * 2000 + "\ud800")
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
    await client.text_document_inline_completion_async(
        types.InlineCompletionParams(context=context, **place(0, 40)),
    )


async def test_two_servers_on_one_folder_do_not_disturb_each_other(tmp_path, monkeypatch):
    # How much of a prompt is taken shall not depend on how busy the machine is.
    monkeypatch.setenv("PYLOT_LS_COMPLETION_TIME_BUDGET_MS", "0")
    path = tmp_path / "item.py"
    path.write_text(sample_path().read_text(encoding="utf-8"), encoding="utf-8")
    document = document_from_file(path)
    command = (sys.executable, "-m", "pylot_ls")
    async with EditorClient(command) as one, EditorClient(command) as other:
        await asyncio.gather(one.loaded(), other.loaded())
        for editor in (one, other):
            editor.open(document.uri, "python", str(document.text))
        edit = ((48, 8), (48, 8), "value = self.", (48, 21))
        first, second = await asyncio.gather(one.type(*edit), other.type(*edit))
    # Either may find what the other has already written, so only the sum is the same. And a prompt is cut into other
    # pieces where the machine is busier, after which tokens that are as good may change places.
    assert first.text
    assert second.text
    lengths = [answer.tokens_evaluated + answer.tokens_reused for answer in (first, second)]
    assert lengths[0] == lengths[1] > 0
