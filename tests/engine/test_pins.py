"""A file whose hash a manifest tells is loaded only as that file."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from pylot_ls.bundled import bundled_model_path
from pylot_ls.engine.identity import model_identity
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.pins import check_pin, pinned_sha256
from pylot_ls.engine.types import LoadFailed, Ready
from pylot_ls.errors import ModelUnreadableError

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OF_FILES = """
roles = ["chat"]
[[files]]
quantization = "Q8_0"
repository = "a/b"
file = "c.gguf"
sha256 = "{}"
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(CONTENT)
    return path


def pin(model, sha256=SHA256):
    model.with_suffix(".toml").write_text(f'roles = ["chat"]\nsha256 = "{sha256}"\n')


def check(model, folders=(), memory=None):
    check_pin(model, folders, memory, lambda: True)


def test_the_bundled_model_is_the_one_that_its_manifest_names():
    pinned = pinned_sha256(bundled_model_path(), ())
    assert pinned == hashlib.sha256(bundled_model_path().read_bytes()).hexdigest()


def test_a_file_that_its_manifest_names_is_let_through(model):
    pin(model)
    check(model)


def test_another_one_is_refused_with_both_hashes_and_what_to_do(model):
    pin(model)
    model.write_bytes(b"other")
    with pytest.raises(ModelUnreadableError) as caught:
        check(model)
    assert SHA256 in str(caught.value)
    assert hashlib.sha256(b"other").hexdigest() in str(caught.value)
    assert "fetch it again, or give your own file another name" in str(caught.value)


def test_a_remembered_hash_counts_and_an_unremembered_one_is_not_remembered(model, tmp_path):
    pin(model)
    memory = tmp_path / "identities.json"
    check(model, memory=memory)
    assert not memory.exists()
    assert model_identity(model, memory, lambda: True) == SHA256
    model.chmod(0)  # it need not be read any more
    pin(model, "0" * 64)
    with pytest.raises(ModelUnreadableError, match=SHA256):
        check(model, memory=memory)


def test_one_that_cannot_be_read_or_is_no_more_wanted_is_refused(model):
    pin(model)
    with pytest.raises(ModelUnreadableError, match="cannot be read"):
        check_pin(model, (), None, lambda: False)
    model.unlink()
    with pytest.raises(ModelUnreadableError, match="cannot be read"):
        check(model)


def test_the_files_of_a_manifest_are_pinned_by_their_quantisation_wherever_they_are(tmp_path):
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "some.toml").write_text(OF_FILES.format(SHA256))
    for name, pinned in (("some-Q8_0", SHA256), ("some-q8_0", SHA256), ("some-Q4_0", ""), ("some", ""), ("else", "")):
        assert pinned_sha256(tmp_path / f"{name}.gguf", (folder,)) == pinned


def test_a_manifest_says_nothing_of_a_file_of_the_same_name_elsewhere(model, tmp_path):
    pin(model)
    other = tmp_path / "elsewhere" / "model.gguf"
    other.parent.mkdir()
    assert pinned_sha256(model, ()) == SHA256
    assert pinned_sha256(other, (tmp_path,)) == ""


def test_a_mutant_in_a_pinned_models_place_is_not_loaded(bundled_config, drive, tmp_path):
    path = tmp_path / "pinned.gguf"
    content = bytearray(bundled_config.path.read_bytes())
    path.write_bytes(content)
    pin(path, hashlib.sha256(content).hexdigest())
    assert isinstance(drive(LlamaBackend(replace(bundled_config, path=path))).state(), Ready)
    content[-1000] ^= 1  # of a weight, which llama.cpp would not notice
    mutant = tmp_path / "mutant"
    mutant.write_bytes(content)
    mutant.replace(path)
    state = drive(LlamaBackend(replace(bundled_config, path=path))).state()
    assert isinstance(state, LoadFailed)
    assert "is not the file that its manifest names" in state.message
