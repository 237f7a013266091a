"""A model file that nobody vouches for is read in a process of its own, whatever happens to that."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pylot_ls.engine import probe as probe_module
from pylot_ls.engine.probe import probe
from pylot_ls.errors import ModelNotFoundError, ModelUnreadableError

posix = pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for Python")


def test_a_file_says_what_it_is(model_path, bundled):
    probed, info = probe(model_path), bundled.state().info
    assert (probed.architecture, probed.n_ctx_train, probed.n_params, probed.size_bytes, probed.n_vocab) == (
        info.architecture,
        info.n_ctx_train,
        info.n_params,
        info.size_bytes,
        info.n_vocab,
    )
    assert probed.metadata["general.name"] == info.name
    assert probed.has_fim
    assert probed.generates


def test_a_file_without_names_for_its_fill_in_the_middle_tokens_says_so(tmp_path, model_path):
    path = tmp_path / "renamed.gguf"
    path.write_bytes(model_path.read_bytes().replace(b"fim_", b"xim_"))
    assert not probe(path).has_fim


def test_what_is_no_model_is_said_as_when_it_is_loaded(tmp_path, model_path):
    with pytest.raises(ModelNotFoundError, match=r"no model at .*none\.gguf"):
        probe(tmp_path / "none.gguf")
    (tmp_path / "text.gguf").write_text("no model at all")
    with pytest.raises(ModelUnreadableError, match="is not a GGUF file"):
        probe(tmp_path / "text.gguf")
    (tmp_path / "cut.gguf").write_bytes(model_path.read_bytes()[:3000])
    with pytest.raises(ModelUnreadableError, match=r"llama\.cpp cannot read .*: damaged, or of a kind"):
        probe(tmp_path / "cut.gguf")
    with pytest.raises(ModelUnreadableError, match="null byte"):
        probe(tmp_path / "a\0b.gguf")


def as_python(monkeypatch, tmp_path, script):
    """Let a shell script take the place of the child."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(path))


@posix
def test_a_file_that_ends_the_process_that_reads_it_is_refused(monkeypatch, tmp_path, model_path):
    as_python(monkeypatch, tmp_path, "kill -SEGV $$")
    with pytest.raises(ModelUnreadableError, match=r"makes llama\.cpp end its process \(exit code -11\)"):
        probe(model_path)


@posix
def test_a_file_that_is_never_read_to_the_end_is_refused(monkeypatch, tmp_path, model_path):
    as_python(monkeypatch, tmp_path, "exec tail -f /dev/null")
    monkeypatch.setattr(probe_module, "_TIMEOUT_S", 0.1)
    with pytest.raises(ModelUnreadableError, match="did not end within"):
        probe(model_path)


@posix
def test_the_child_has_limits(model_path):
    script = (
        "import json, resource; from pylot_ls.engine import probe_child; probe_child._limit(); "
        "print(json.dumps([resource.getrlimit(each) for each in "
        "(resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]))"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[8 * 2**30] * 2, [60, 60], [0, 0]]
