"""A file that is opened again after a restart costs its first keystroke next to nothing."""

from __future__ import annotations

import json

import pytest
from patient_server import PATIENT_PYLOT_LS
from shelf import Shelf
from typer.testing import CliRunner

from pylot_ls.bundled import sample_path
from pylot_ls.cli.app import app
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.client import EditorClient

pytestmark = pytest.mark.asyncio

SERVER = (*PATIENT_PYLOT_LS, "--stdio")


class Recording(ScriptedBackend):
    """Keeps the requests."""

    def __init__(self):
        super().__init__()
        self.requests = []

    def submit(self, request):
        self.requests.append(request)
        super().submit(request)


@pytest.fixture
def environment(tmp_path, monkeypatch):
    values = {name: str(tmp_path / name) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    # How much of a prompt is evaluated shall not depend on how busy the machine is.
    return {
        **values,
        "PYLOT_LS_MODEL_N_CTX": "512",
        "PYLOT_LS_COMPLETION_MAX_TOKENS": "8",
        "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0",
    }


def write_sample(path):
    path.write_text(sample_path().read_text(encoding="utf-8"), encoding="utf-8")
    return path


async def first_answer(path, environment, typed="self._no"):
    """Start a server, open a file, type something and end it; what that cost.

    Batches of other shapes round otherwise, so it is something behind which the model is sure of what follows.
    """
    async with EditorClient(SERVER, environment) as editor:
        # As editors do, while the model is still being loaded.
        editor.open(path.as_uri(), "python", path.read_text(encoding="utf-8"))
        await editor.loaded()
        return await editor.type((60, 8), (60, 8), typed, (60, 8 + len(typed)))


async def asked(connect, shelf, uri, text):
    """An editor that has opened a document and asked once behind ``x = ``."""
    editor = connect(store=shelf)
    await editor.initialize()
    editor.open(text, uri=uri)
    await editor.settled()
    await editor.suggestion(0, 4, uri=uri)
    return editor


def n_entries():
    return json.loads(CliRunner().invoke(app, ["cache", "info", "--json"]).stdout)["n_entries"]


async def test_the_first_keystroke_after_a_restart_evaluates_two_tokens_at_most(tmp_path, environment):
    path = write_sample(tmp_path / "a.py")
    cold = await first_answer(path, environment)
    assert cold.tokens_evaluated > 300
    # The block, the tail and the record.
    assert n_entries() == 3
    warm = await first_answer(path, environment)
    assert warm.tokens_evaluated <= 2
    assert warm.text == cold.text


async def test_a_private_document_leaves_nothing_on_disk(tmp_path, environment):
    path = write_sample(tmp_path / "secrets.py")
    await first_answer(path, environment)
    assert n_entries() == 0
    assert (await first_answer(path, environment)).tokens_evaluated > 300


async def test_a_document_opened_again_is_restored_before_anybody_asks(connect, tmp_path):
    uri = write_sample(tmp_path / "a.py").as_uri()
    shelf = Shelf()
    before = await asked(connect, shelf, uri, "x = \ny = 1\n")
    before.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert len(shelf.disk) == 1
    now = connect(Recording(), store=shelf.restarted())
    await now.initialize()
    now.open("x = \ny = 1\n", uri=uri)
    await now.settled()
    (restore,) = now.backend.requests
    assert restore.restore_only
    await now.suggestion(0, 4, uri=uri)
    assert now.backend.requests[1].prompt == restore.prompt


async def test_a_session_that_ends_records_where_its_documents_stand(connect, tmp_path):
    uri = write_sample(tmp_path / "a.py").as_uri()
    shelf = Shelf()
    editor = await asked(connect, shelf, uri, "x = \n")
    shelf.disk.clear()
    editor.change(2, "y", (0, 4), (0, 4), uri=uri)
    await editor.suggestion(0, 5, uri=uri)
    assert not shelf.disk
    await editor.server.session.close()
    assert len(shelf.disk) == 1


@pytest.mark.parametrize(
    "options", [{"completion": {"enabled": False}}, {"prompt": {"anchored": False}}], ids=["off", "not anchored"]
)
async def test_where_nothing_stands_nothing_is_recorded_or_restored(connect, tmp_path, options):
    uri = write_sample(tmp_path / "a.py").as_uri()
    shelf = Shelf()
    editor = connect(Recording(), options, store=shelf)
    await editor.initialize()
    editor.open("x = \n", uri=uri)
    await editor.settled()
    await editor.suggestion(0, 4, uri=uri)
    await editor.server.session.close()
    assert not shelf.disk
    assert not shelf.asked.is_set()
