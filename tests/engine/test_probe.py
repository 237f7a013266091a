"""A model file that nobody vouches for is read in a process of its own, whatever happens to that."""

from __future__ import annotations

import json
import subprocess
import sys

import gguf
import pytest
from shelf import Shelf

from pylot_ls.config import wiring
from pylot_ls.config.settings import Settings
from pylot_ls.engine import loading
from pylot_ls.engine import probe as probe_module
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.loading import LlamaConfig
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.probe import probe, try_out
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


@pytest.fixture
def deadly(tmp_path, model_path):
    """A file whose metadata can be read, and with which llama.cpp ends its process when it evaluates a token."""
    path = tmp_path / "deadly.gguf"
    path.write_bytes(model_path.read_bytes())
    reader = gguf.GGUFReader(path, "r+")
    field = reader.fields["llama.attention.layer_norm_rms_epsilon"]
    field.parts[field.data[0]][0] = -1
    reader.data.flush()
    return path


def test_a_file_that_ends_the_process_that_evaluates_with_it_is_found_by_trying_it_out(deadly, model_path):
    assert probe(deadly).generates
    with pytest.raises(ModelUnreadableError, match=r"makes llama\.cpp end its process"):
        try_out(deadly)
    try_out(model_path)
    with pytest.raises(ModelNotFoundError):
        try_out(deadly.with_name("none.gguf"))


def test_a_model_that_nobody_vouches_for_fails_to_load_instead_of_ending_the_server(drive, deadly):
    driven = drive(LlamaBackend(LlamaConfig(deadly, n_ctx=64, n_threads=1, is_vouched_for=False)))
    assert "makes llama.cpp end its process" in driven.state().message


def test_a_file_is_tried_out_once(drive, monkeypatch, tmp_path, model_path):
    tried = []
    monkeypatch.setattr(loading, "try_out", tried.append)
    path = tmp_path / "mine.gguf"
    path.write_bytes(model_path.read_bytes())
    for _ in range(2):
        kept = PersistenceConfig(Shelf(), tmp_path / "models.json")
        driven = drive(LlamaBackend(LlamaConfig(path, n_ctx=64, n_threads=1, persistence=kept, is_vouched_for=False)))
        driven.state()
        driven.backend._loaded.persistence._thread.join()
        driven.backend.close()
    assert tried == [path]


def test_only_the_bundled_model_is_vouched_for(model_path, tmp_path):
    other = tmp_path / "other.gguf"
    chosen = wiring.role_configs(Settings(model={"path": model_path}, roles={"chat": other, "embed": other}))
    assert [chosen[role].is_vouched_for for role in (Role.COMPLETE, Role.CHAT, Role.EMBED)] == [True, False, False]
    assert not wiring.role_configs(Settings(model={"path": other}))[Role.COMPLETE].is_vouched_for
