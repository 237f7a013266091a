"""The bundled model behind the shared server, and its process killed under the hands of an editor."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import psutil
import pytest
from lsp_process import URI

from pylot_ls.bundled import bundled_model_path, sample_path

SAMPLE = sample_path().read_text(encoding="utf-8")
CODE = SAMPLE[: SAMPLE.index("in self.items\n") + len("in self")]
LINE, CHARACTER = CODE.count("\n"), len(CODE) - CODE.rfind("\n") - 1


@pytest.fixture
def model_process(user):
    """The id of the process that holds the model; the end of the one before was noticed when it is another."""

    def find(before=0):
        while (pid := user.status()["engine"]["pid"]) in {0, before}:
            pass
        return pid

    return find


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_an_editor_goes_on_after_a_crash_of_its_model(user, model_process):
    editor = user.editor("--model", str(bundled_model_path()), "--log-level=info")
    editor.initialize()
    editor.open(CODE + "\n")
    suggested = editor.suggestion(LINE, CHARACTER)
    assert suggested
    before = model_process()
    os.kill(before, signal.SIGSEGV)
    after = model_process(before)
    assert after != before
    # What stands in other documents counts, too, so the first one is closed.
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    editor.open(CODE + "\n", uri="file:///project/b.py")
    assert editor.suggestion(LINE, CHARACTER, uri="file:///project/b.py") == suggested
    status = user.status()
    assert status["engine"]["n_ends"] == 1
    assert [each["n_documents"] for each in status["editors"]] == [1]
    assert status["models"][0]["state"] == "ready"


def test_the_models_process_ends_with_the_server_however_that_ends(user, model_process):
    editor = user.editor("--scripted")
    editor.initialize()
    process = psutil.Process(model_process())
    psutil.Process(user.status()["pid"]).kill()
    with suppress(psutil.NoSuchProcess):
        process.wait(120)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
