from __future__ import annotations

from pathlib import Path

import pytest

from pylot_ls.bundled import MODEL_FILE_NAME
from pylot_ls.engine.manifest import ModelFile, Role
from pylot_ls.errors import ManifestError, ModelNotFoundError, UnknownModelError
from pylot_ls.library.catalogue import find, forget_partials, installed_path, load_catalogue

NAME = "qwen2.5-coder-1.5b"


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def entry_of(folder, reference):
    return find(load_catalogue(folder), reference)[0]


def test_all_manifests_are_there_and_the_bundled_model_is_installed(folder):
    entries = load_catalogue(folder / "not-there")
    assert {NAME, "nomic-embed-text-v1.5", Path(MODEL_FILE_NAME).stem} <= {entry.name for entry in entries}
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    (bundled,) = (entry for entry in entries if entry.installed)
    assert bundled.is_bundled
    assert bundled.path().name == MODEL_FILE_NAME


def test_a_fetched_file_is_found_again_by_its_name(folder):
    file = entry_of(folder, NAME).file("q4_k_m")
    path = installed_path(folder, NAME, file)
    path.touch()
    assert entry_of(folder, NAME).installed == {"Q4_K_M": path}
    assert entry_of(folder, NAME).path("q4_k_m") == entry_of(folder, NAME).path() == path
    with pytest.raises(ModelNotFoundError, match=f"pylot-ls models pull {NAME}:Q8_0"):
        entry_of(folder, NAME).path("Q8_0")


def test_what_has_not_become_whole_is_no_model(folder):
    (folder / f".{NAME}-Q8_0.gguf.{'0' * 64}.part").touch()
    assert not entry_of(folder, NAME).installed


def test_a_file_of_the_users_own_is_a_model_without_a_manifest(folder):
    (folder / "mine.gguf").touch()
    entry = entry_of(folder, "Mine")
    assert entry.path() == folder / "mine.gguf"
    assert entry.roles == (Role.COMPLETE,)
    with pytest.raises(UnknownModelError, match="has no file on the hub"):
        entry.file()


def test_a_manifest_in_the_folder_counts_as_ours_do(folder):
    (folder / "mine.toml").write_text('name = "mine"\nroles = ["chat"]\n')
    assert entry_of(folder, "mine").roles == (Role.CHAT,)
    (folder / "mine.toml").write_text("nmae = 1\n[fim]\norders = ['psm']")
    with pytest.raises(ManifestError, match=r"mine\.toml is not used: unknown key nmae; did you mean name\?"):
        load_catalogue(folder)


def test_the_first_file_is_the_one_to_take_and_others_go_by_their_quantisation(folder):
    entry, quantization = find(load_catalogue(folder), f"{NAME.upper()}:q4_k_m")
    assert entry.file() == ModelFile(
        "Q8_0", "ggml-org/Qwen2.5-Coder-1.5B-Q8_0-GGUF", "qwen2.5-coder-1.5b-q8_0.gguf", 1_650_000_000
    )
    assert entry.file(quantization).quantization == "Q4_K_M"
    with pytest.raises(UnknownModelError, match="not offered in Q2_K; there are: Q8_0, Q4_K_M"):
        entry.file("Q2_K")


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ("qwen2.5-coder-15b", "did you mean qwen2.5-coder-1.5b, .* or "),
        ("§§§", "the command pylot-ls models list shows all"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(folder, wrong, advice):
    with pytest.raises(UnknownModelError, match=advice):
        entry_of(folder, wrong)


def test_what_was_fetched_in_part_can_be_removed(folder):
    kept = folder / f".{NAME}-instruct-Q8_0.gguf.0.part", folder / f"{NAME}-Q8_0.gguf"
    for path in (*kept, folder / f".{NAME}-Q8_0.gguf.0.part"):
        path.touch()
    forget_partials(folder, entry_of(folder, NAME))
    assert {path for path in folder.iterdir() if path.is_file()} == set(kept)
