"""Files that are no model, or a damaged one: a clear failure, and a backend that still answers and closes."""

import os
import re
import struct
import threading

import pytest

from pylot_ls.engine import loading
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.engine.prompt_types import Marker, MarkerSegment, TextSegment
from pylot_ls.engine.types import Failed, Finished, FinishReason, LoadFailed, Loading, Ready
from pylot_ls.errors import ModelUnreadableError

is_root = hasattr(os, "geteuid") and os.geteuid() == 0


def header(version=3, magic=b"GGUF"):
    return struct.pack("<4sIQQ", magic, version, 1, 1)


def written(tmp_path, data):
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    return path


def missing(tmp_path, _model):
    return tmp_path / "none.gguf"


def missing_folder(tmp_path, model):
    return written(tmp_path, model) / "below-a-file.gguf"


def folder(tmp_path, _model):
    return tmp_path


def empty(tmp_path, _model):
    return written(tmp_path, b"")


def not_gguf(tmp_path, _model):
    return written(tmp_path, b"\x7fELF" + bytes(100))


def header_cut(tmp_path, model):
    return written(tmp_path, model[:13])


def too_old(tmp_path, model):
    return written(tmp_path, header(version=1) + model[24:])


def too_new(tmp_path, model):
    return written(tmp_path, header(version=9) + model[24:])


def header_only(tmp_path, model):
    return written(tmp_path, model[:24])


def metadata_cut(tmp_path, model):
    return written(tmp_path, model[:3000])


def tensors_cut(tmp_path, model):
    return written(tmp_path, model[: len(model) * 6 // 10])


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (missing, "ModelNotFoundError", r"no model at .*none\.gguf: set model\.path"),
        (missing_folder, "ModelUnreadableError", r"cannot read the model .*; set model\.path"),
        (folder, "ModelUnreadableError", r"is a folder; set model\.path to the GGUF file itself"),
        (empty, "ModelUnreadableError", r"is not a GGUF file .*; set model\.path"),
        (not_gguf, "ModelUnreadableError", r"is not a GGUF file .*; set model\.path"),
        (header_cut, "ModelUnreadableError", r"ends inside its header; fetch it again"),
        (too_old, "ModelUnreadableError", r"is GGUF version 1; fetch it in version 2 or 3"),
        (too_new, "ModelUnreadableError", r"is GGUF version 9; fetch it in version 2 or 3"),
        (header_only, "ModelUnreadableError", r"is damaged: .*ends too early.*; fetch it again"),
        (metadata_cut, "ModelUnreadableError", r"is damaged: .*ends too early.*; fetch it again"),
        (tensors_cut, "ModelUnreadableError", r"llama\.cpp cannot load .*: tensor .* incomplete; fetch the file again"),
    ],
)
def test_a_bad_file_fails_to_load_and_says_what_to_do(tmp_path, model_path, drive, make, kind, message):
    driven = drive(LlamaBackend(LlamaConfig(make(tmp_path, model_path.read_bytes()), n_threads=1)))
    state = driven.state()
    assert isinstance(state, LoadFailed)
    assert state.kind == kind
    assert re.search(message, state.message)
    # Every request is answered, with the same reason.
    end = driven.ask((TextSegment("x"),)).end
    assert isinstance(end, Failed)
    assert (end.kind, end.message) == (state.kind, state.message)
    driven.backend.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ModelUnreadableError, match=r"is no regular file; set model\.path"):
        check_model_file(tmp_path / "pipe.gguf")


@pytest.mark.skipif(is_root or not hasattr(os, "geteuid"), reason="the mode is not heeded for this user")
def test_a_file_without_permission_is_refused(tmp_path):
    path = written(tmp_path, header())
    path.chmod(0)
    with pytest.raises(ModelUnreadableError, match=r"Permission denied; set model\.path"):
        check_model_file(path)


def test_an_impossible_path_is_refused(tmp_path):
    with pytest.raises(ModelUnreadableError, match="null byte"):
        check_model_file(tmp_path / "a\0b")


@pytest.mark.parametrize("version", [2, 3])
def test_a_sound_header_is_accepted(tmp_path, version):
    check_model_file(written(tmp_path, header(version)))


def test_a_model_without_fim_tokens_loads_and_refuses_fim_prompts(tmp_path, model_path, drive):
    # Both the metadata keys and the tokens' texts are renamed: llama.cpp also knows FIM tokens by their texts.
    path = written(tmp_path, model_path.read_bytes().replace(b"fim_", b"xim_"))
    driven = drive(LlamaBackend(LlamaConfig(path, n_threads=1)))
    assert driven.state().info.fim is None
    end = driven.ask((MarkerSegment(Marker.FIM_PREFIX), TextSegment("x"))).end
    assert end.kind == "ModelUnsupportedError"
    assert "no fim_prefix token" in end.message
    assert isinstance(driven.ask((TextSegment("def "),), max_tokens=1).end, Finished)


def test_requests_before_the_model_is_there_wait_for_it(drive, model_path):
    driven = drive(LlamaBackend(LlamaConfig(model_path, n_threads=1)))
    answer = driven.ask((TextSegment("def "),), max_tokens=1)
    assert isinstance(answer.end, Finished)
    assert isinstance(driven.events[0], Loading)
    assert isinstance(driven.state(), Ready)


class HeldAtFirstEvent(LlamaBackend):
    """Its worker stands still at its first event until ``let_go``."""

    def start(self, sink):
        self.reached, self.let_go = threading.Event(), threading.Event()

        def held(event):
            self.reached.set()
            self.let_go.wait(60)
            sink(event)

        super().start(held)

    def close(self):
        # The worker can go on once the inbox is closed, which is when the join begins.
        self._inbox.close()
        self.let_go.set()
        super().close()


def test_closing_breaks_the_load_off(drive, model_path):
    backend = HeldAtFirstEvent(LlamaConfig(model_path, n_threads=1))
    driven = drive(backend)
    backend.reached.wait(60)
    request_id = driven.submit((TextSegment("x"),))
    backend.close()
    assert isinstance(driven.events[0], Loading)
    assert driven.state() == LoadFailed("the engine was closed", "EngineClosedError")
    assert driven.answer(request_id).end.reason is FinishReason.CANCELLED


def test_a_request_cancelled_before_the_load_fails_ends_as_cancelled(drive, tmp_path):
    backend = HeldAtFirstEvent(LlamaConfig(tmp_path / "none.gguf", n_threads=1))
    driven = drive(backend)
    request_id = driven.submit((TextSegment("x"),))
    backend.cancel(request_id)
    backend.let_go.set()
    assert driven.answer(request_id).end.reason is FinishReason.CANCELLED


def test_a_request_after_close_fails(drive, tmp_path):
    driven = drive(LlamaBackend(LlamaConfig(tmp_path / "none.gguf", n_threads=1)))
    driven.backend.close()
    end = driven.ask((TextSegment("x"),)).end
    assert (end.kind, end.message) == ("EngineClosedError", "the engine was closed")


def test_a_backend_that_never_started_closes(model_path):
    LlamaBackend(LlamaConfig(model_path, n_threads=1)).close()


def test_where_the_system_leaves_too_few_addresses_no_library_is_loaded_and_the_reason_said(
    drive, model_path, monkeypatch
):
    monkeypatch.setattr(loading.machine, "addresses_left_bytes", lambda: 100 * 2**20)
    state = drive(LlamaBackend(LlamaConfig(model_path))).state()
    assert state.kind == "ModelTooLargeError"
    assert "may reserve 100 MiB more" in state.message
    assert "ulimit -v" in state.message
