"""Of an opened document the ignore files above it are read, and the engine is told what may be kept."""

from __future__ import annotations

import pytest

from pylot_ls.engine.scripted_backend import ScriptedBackend

pytestmark = pytest.mark.asyncio


class Recording(ScriptedBackend):
    """Notes of each request whether its KV may be kept."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def submit(self, request):
        self.kept.append(request.keep)
        super().submit(request)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / ".gitignore").write_text("private/\n", encoding="utf-8")
    (tmp_path / "project" / "private").mkdir()
    return tmp_path / "project"


async def keeps(editor, path):
    """Whether what is evaluated of a newly opened document may be kept."""
    editor.open("x = \n", uri=path.as_uri())
    await editor.settled()
    await editor.suggestion(0, 4, uri=path.as_uri())
    return editor.backend.kept[-1]


async def test_only_of_documents_that_no_ignore_file_leaves_out_kv_is_kept(connect, project):
    editor = connect(Recording())
    await editor.initialize()
    assert await keeps(editor, project / "a.py")
    assert not await keeps(editor, project / "private" / "a.py")
    assert not await keeps(editor, project / ".env")


async def test_a_saved_ignore_file_counts_for_what_is_open(connect, project):
    editor = connect(Recording())
    capabilities = (await editor.initialize())["capabilities"]
    assert capabilities["textDocumentSync"]["save"]
    assert await keeps(editor, project / "a.py")
    (project / ".gitignore").write_text("*.py\n", encoding="utf-8")
    editor.notify("textDocument/didSave", {"textDocument": {"uri": (project / ".gitignore").as_uri()}})
    await editor.settled()
    editor.change(2, "y", (0, 4), (0, 4), uri=(project / "a.py").as_uri())
    await editor.suggestion(0, 5, uri=(project / "a.py").as_uri())
    assert not editor.backend.kept[-1]


async def test_of_a_closed_document_nothing_is_remembered(connect, project):
    editor = connect(Recording())
    await editor.initialize()
    uri = (project / "a.py").as_uri()
    assert await keeps(editor, project / "a.py")
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert not editor.server.session.privacy.may_be_kept(uri)
    editor.open("x = \n", uri=uri)
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    await editor.settled()
    assert not editor.server.session.privacy.may_be_kept(uri)
