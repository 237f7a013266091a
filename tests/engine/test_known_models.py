"""What the models of the manifests take, and which of them is offered where another has no room."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from pylot_ls.bundled import models_dir
from pylot_ls.engine.known_models import (
    dimensions_of_manifest,
    largest_that_fits,
    largest_that_is_here,
    plan_or_none,
    weights_bytes,
)
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.manifest import KvShape, Manifest, ModelFile, Role, read_manifest
from pylot_ls.engine.memory import WholeMachine
from pylot_ls.engine.memory_plan import GIB, MIB, Room, Wishes
from pylot_ls.engine.types import LoadFailed

FOLDERS = (models_dir(),)


def test_the_size_of_a_file_is_what_the_manifest_says_or_follows_from_the_parameters():
    manifest = Manifest(n_params=1_000_000_000)
    assert weights_bytes(manifest, ModelFile("Q8_0", "a/b", "c.gguf", 123)) == 123
    assert weights_bytes(manifest, ModelFile("Q8_0", "a/b", "c.gguf")) == 1_062_500_000
    assert weights_bytes(manifest, ModelFile("TQ2_0", "a/b", "c.gguf")) > 0


def test_sizes_reckoned_from_the_parameters_are_near_those_that_are_known():
    for path in models_dir().glob("*.toml"):
        manifest = read_manifest(path)
        for file in manifest.files:
            if file.size_bytes:
                reckoned = weights_bytes(manifest, ModelFile(file.quantization, "", ""))
                assert 0.8 < reckoned / file.size_bytes < 1.25, (path.name, file.quantization)


def test_a_manifest_gives_the_cells_of_a_context():
    made = dimensions_of_manifest(Manifest(kv=KvShape(32, 8, 128, 64), n_ctx_train=4096), GIB)
    assert (made.weights_bytes, made.key_size, made.value_size, made.n_ctx_train) == (GIB, 32768, 16384, 4096)
    assert dimensions_of_manifest(Manifest(), GIB).key_size == 0


@pytest.mark.parametrize(
    ("free_gib", "expected"),
    [(1, "qwen2.5-coder-0.5b"), (1.5, "qwen2.5-coder-1.5b:Q4_K_M"), (30, "qwen3-coder-30b"), (0.1, None)],
)
def test_the_largest_model_that_fits_is_offered(free_gib, expected):
    found = largest_that_fits(FOLDERS, Role.COMPLETE, Room(int(free_gib * 2 * GIB), int(free_gib * GIB)))
    assert (found or "None").startswith(str(expected))


def test_what_is_offered_is_for_the_role_and_has_room():
    room = Room(8 * GIB, 6 * GIB)
    for role in Role:
        name, _, quantization = largest_that_fits(FOLDERS, role, room).partition(":")
        manifest = read_manifest(models_dir() / f"{name}.toml")
        file = next(each for each in manifest.files if each.quantization == quantization)
        assert role in manifest.roles
        assert plan_or_none(dimensions_of_manifest(manifest, weights_bytes(manifest, file)), Wishes(), room)


def test_a_manifest_that_cannot_be_read_offers_nothing(tmp_path):
    (tmp_path / "wrong.toml").write_text("name = 3")
    assert largest_that_fits((tmp_path,), Role.COMPLETE, Room(GIB, GIB)) is None


def test_a_model_without_room_is_refused_with_one_that_has(bundled_config, drive):
    state = drive(LlamaBackend(replace(bundled_config, cache_bytes=GIB), WholeMachine(900 * MIB))).state()
    assert isinstance(state, LoadFailed)
    assert state.kind == "ModelTooLargeError"
    assert "there is no room for " in state.message
    assert "where you do not set cache.memory_limit_mb; or take one that fits: pylot-ls models pull " in state.message


def test_where_only_the_bundled_model_has_room_it_is_offered(bundled_config, drive, tmp_path):
    large = tmp_path / "large.gguf"
    large.write_bytes(bundled_config.path.read_bytes())
    os.truncate(large, GIB)  # its last tensor reaches as far as the file does
    config = replace(bundled_config, path=large, manifest_folders=FOLDERS)
    state = drive(LlamaBackend(config, WholeMachine(100 * MIB))).state()
    assert state.message.endswith("raise that; or take one that fits: pylot-ls models use pylot-tiny")


@pytest.mark.parametrize(("role", "room"), [(Role.CHAT, 100 * MIB), (Role.COMPLETE, MIB)])
def test_a_model_that_is_here_is_offered_only_for_its_role_and_where_it_has_room(role, room):
    assert largest_that_is_here(FOLDERS, role, Room(GIB, GIB, room)) is None
