"""Fetching a model: whole in the end however often it is interrupted, and never anything else than what the hub has."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from fake_hub import COMMIT, FakeHub

from pylot_ls.engine.manifest import ModelFile
from pylot_ls.errors import ConnectionLostError, PullError
from pylot_ls.library.pull import pull

FILE = ModelFile("Q8_0", "owner/some-GGUF", "some.gguf")


@pytest.fixture(scope="module")
def content(model_path):
    """The bundled model, whose size is that of a real file, if a small one."""
    return model_path.read_bytes()


@pytest.fixture
def hub(content):
    with FakeHub(content) as hub:
        yield hub
        huggingface_hub.close_session()


@pytest.fixture
def destination(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder / "some-Q8_0.gguf"


def fetch(hub, destination, on_progress=lambda *_: None, pauses=None):
    pull(FILE, destination, on_progress, endpoint=hub.endpoint, pause=(pauses if pauses is not None else []).append)


def names(destination):
    return sorted(path.name for path in destination.parent.iterdir())


def test_a_file_is_fetched_from_the_commit_that_was_asked_about_and_nothing_else_stays(hub, destination, content):
    seen = []
    fetch(hub, destination, lambda *numbers: seen.append(numbers))
    assert destination.read_bytes() == content
    assert names(destination) == ["some-Q8_0.gguf"]
    assert hub.paths == [f"/owner/some-GGUF/resolve/{where}/some.gguf" for where in ("main", COMMIT)]
    assert seen == sorted(seen)
    assert seen[-1] == (len(content), len(content))


def test_cut_off_20_times_by_the_hub_it_ends_whole(hub, destination, content):
    chance = random.Random(20)
    hub.cuts = [chance.randrange(len(content) // 12) for _ in range(20)]
    pauses = []
    fetch(hub, destination, pauses=pauses)
    assert destination.read_bytes() == content
    assert names(destination) == ["some-Q8_0.gguf"]
    assert len(pauses) == 20
    # Nothing was sent twice but what was under way when it was cut off.
    assert hub.n_sent < len(content) * 1.1


@pytest.mark.parametrize("seed", range(20))
def test_interrupted_at_a_random_byte_it_goes_on_from_there(hub, destination, content, seed):
    stop = random.Random(seed).randrange(1, len(content))

    def interrupt(n_bytes, _):
        if n_bytes >= stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(hub, destination, interrupt)
    assert not destination.exists()
    (partial,) = destination.parent.iterdir()
    n_here = partial.stat().st_size
    assert n_here >= stop
    fetch(hub, destination)
    assert destination.read_bytes() == content
    assert names(destination) == ["some-Q8_0.gguf"]
    assert hub.ranges in ([0, n_here], [0])  # nothing is asked for where all was here


def test_one_flipped_byte_is_refused_and_nothing_stays(hub, destination, content):
    position = random.Random(1).randrange(len(content))
    hub.content = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
    with pytest.raises(PullError, match=r"is not what the hub says it is: its SHA-256 is .* removed; try again"):
        fetch(hub, destination)
    assert names(destination) == []
    hub.content = content
    fetch(hub, destination)
    assert destination.read_bytes() == content


def test_a_byte_flipped_in_what_was_here_already_is_refused_too(hub, destination, content):
    partial = destination.with_name(f".{destination.name}.{hub.sha256}.part")
    partial.write_bytes(b"x" + content[1:1000])
    with pytest.raises(PullError, match="is not what the hub says"):
        fetch(hub, destination)
    assert names(destination) == []


def test_a_hub_that_takes_no_ranges_sends_all_again(hub, destination, content):
    hub.takes_ranges = False
    hub.cuts = [100_000]
    fetch(hub, destination)
    assert destination.read_bytes() == content
    assert hub.ranges == [0, 100_000]


def test_what_is_here_of_another_version_is_dropped(hub, destination, content):
    old = destination.with_name(f".{destination.name}.{'0' * 64}.part")
    old.write_bytes(content[:500])
    fetch(hub, destination)
    assert names(destination) == ["some-Q8_0.gguf"]


def test_a_hub_that_breaks_off_again_and_again_without_anything_new_is_given_up(hub, destination):
    hub.cuts = [1000] + [0] * 10
    pauses = []
    with pytest.raises(ConnectionLostError, match="the same command goes on from there"):
        fetch(hub, destination, pauses=pauses)
    assert len(hub.ranges) == 6
    assert len(pauses) == 5
    assert [path.stat().st_size for path in destination.parent.iterdir()] == [1000]


def test_no_network_is_said(hub, destination):
    closed = SimpleNamespace(endpoint="http://127.0.0.1:9")
    with pytest.raises(ConnectionLostError, match=r"the hub cannot be reached .*; check the network"):
        fetch(closed, destination)
    assert names(destination) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ((403, "GatedRepo"), "owner/some-GGUF is gated: accept its terms on https://huggingface.co/owner/some-GGUF"),
        ((401, "RepoNotFound"), "there is no repository owner/some-GGUF on the hub, or it is private"),
        ((404, "EntryNotFound"), "there is no file some.gguf in owner/some-GGUF any more"),
        ((404, "RevisionNotFound"), "the hub answered 404"),
        ((503, ""), "the hub answered 503 for some.gguf; try again later"),
    ],
)
def test_a_refusal_says_what_to_do(hub, destination, error, message):
    hub.error = error
    with pytest.raises(PullError, match=message):
        fetch(hub, destination)
    assert names(destination) == []


def test_a_hash_that_is_none_is_refused_before_anything_is_fetched(hub, destination):
    hub.sha256 = "abc"
    with pytest.raises(PullError, match=r"no SHA-256 of some\.gguf"):
        fetch(hub, destination)
    assert hub.ranges == []


def test_what_is_not_the_file_that_its_manifest_names_is_refused_before_anything_is_fetched(hub, destination, content):
    pinned = replace(FILE, sha256="0" * 64)
    with pytest.raises(PullError, match="is not the file that its manifest names"):
        pull(pinned, destination, lambda *_: None, endpoint=hub.endpoint)
    assert hub.ranges == []
    pull(replace(FILE, sha256=hashlib.sha256(content).hexdigest()), destination, lambda *_: None, endpoint=hub.endpoint)
    assert destination.read_bytes() == content


def test_offline_mode_is_said(hub, destination, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PullError, match=r"offline mode is on \(HF_HUB_OFFLINE\)"):
        fetch(hub, destination)
    assert hub.paths == []


def test_a_disk_without_room_is_refused_before_anything_is_fetched(hub, destination, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**28 + 1000))
    with pytest.raises(PullError, match="GiB free; make room, or choose a smaller quantisation"):
        fetch(hub, destination)
    assert hub.ranges == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_fills_up_meanwhile_is_said_and_nothing_is_installed(hub, destination):
    destination.with_name(f".{destination.name}.{hub.sha256}.part").symlink_to("/dev/full")
    with pytest.raises(PullError, match=r"No space left on device; make room; what has been fetched is kept"):
        fetch(hub, destination)
    assert not destination.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the mode is not heeded for this user")
def test_a_folder_that_may_not_be_written_to_is_said(hub, destination):
    destination.parent.chmod(0o500)
    with pytest.raises(PullError, match="see to its permissions"):
        fetch(hub, destination)
    destination.parent.chmod(0o700)
