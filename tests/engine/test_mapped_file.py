"""What is mapped of a file stays as it is in memory: who wants to change the file waits for a copy."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pylot_ls.engine import file_lease, mapped_file
from pylot_ls.engine.file_lease import FileLease
from pylot_ls.engine.llama_cpp_binding import LlamaModel
from pylot_ls.engine.mapped_file import MappedFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system tells before a file is changed")

CONTENT = b"".join(number.to_bytes(8, "little") for number in range(100_000))


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_file, "_LOOK_S", 0.01)
    path = tmp_path / "weights\nof a model.gguf"
    path.write_bytes(CONTENT)
    lease = FileLease.take(path)
    if lease is None:
        pytest.skip("this file system knows no leases")
    lease.give_back()
    return path


def mapping_of(path):
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)


def change(path, what):
    """Have another process do something to a file; it ends once it may."""
    subprocess.run((sys.executable, "-c", f"import os, sys; path = sys.argv[1]; {what}", path), check=True)


def paths_mapped():
    return Path("/proc/self/maps").read_text(encoding="utf-8")


@pytest.fixture
def guarded(path):
    """A file that is mapped and watched, and the mapping."""
    mapped = MappedFile.open(path)
    mapping = mapping_of(path)
    mapped.guard()
    yield mapped, mapping
    mapped.close()


@pytest.mark.parametrize(
    "what",
    ["os.truncate(path, 10)", "open(path, 'wb').write(b'short')", "open(path, 'r+b').write(bytes(500_000))"],
    ids=["cut short", "begun anew", "overwritten"],
)
def test_what_is_mapped_stays_as_it_is_when_the_file_is_changed_in_place(path, guarded, what):
    _, mapping = guarded
    change(path, what)
    assert path.read_bytes() != CONTENT
    assert mapping[:] == CONTENT


def test_nothing_is_copied_when_a_file_is_replaced_removed_or_read(path, guarded):
    _, mapping = guarded
    change(path, "open(path, 'rb').read()")
    path.with_name("other").write_bytes(b"other")
    path.with_name("other").replace(path)
    path.unlink()
    assert mapping[:] == CONTENT
    assert "(deleted)" in paths_mapped()


def test_who_wants_to_write_waits_no_more_once_it_is_closed(path, guarded):
    mapped, mapping = guarded
    mapping.close()
    mapped.close()
    with path.open("r+b", buffering=0) as file:  # in this process, whose thread would have to give the lease back
        file.write(b"x")
    assert path.read_bytes()[:1] == b"x"


def test_other_mappings_of_the_file_are_left_alone(path):
    before = mapping_of(path)
    mapped = MappedFile.open(path)
    mapping = mapping_of(path)
    mapped.guard()
    change(path, "open(path, 'r+b').write(b'y')")
    assert before[:1] == b"y"
    assert mapping[:] == CONTENT
    mapped.close()


def test_a_file_that_is_read_and_not_mapped_is_not_watched(path):
    mapped = MappedFile.open(path)
    mapped.guard()
    with path.open("r+b", buffering=0) as file:
        file.write(b"x")
    mapped.close()


def test_of_two_that_are_mapped_at_once_the_second_has_to_be_read(path):
    first = MappedFile.open(path)
    assert MappedFile.open(path) is None
    first.close()
    second = MappedFile.open(path)
    assert second is not None
    second.close()


def test_one_without_room_for_a_copy_is_let_go_and_logged(path, guarded, monkeypatch, caplog):
    _, mapping = guarded

    def refuse(_start, _n_bytes):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mapped_file, "_put_copy_in_place", refuse)
    change(path, "open(path, 'r+b').write(b'y')")
    assert mapping[:1] == b"y"
    assert "there is no memory for a copy: Cannot allocate memory" in caplog.text


@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_model_is_mapped_under_a_lease_and_read_without(path, model_path, monkeypatch, is_guarded):
    path.write_bytes(model_path.read_bytes())
    if not is_guarded:
        monkeypatch.setattr(MappedFile, "open", lambda _path: None)
    model = LlamaModel(path, n_gpu_layers=0, on_progress=lambda _fraction: True)
    assert (path.name.partition("\n")[2] in paths_mapped()) is is_guarded
    change(path, "os.truncate(path, 10)")
    assert path.name.partition("\n")[2] not in paths_mapped()
    model.close()


def test_memory_for_a_copy_that_cannot_be_had_is_an_error(path):
    with pytest.raises(OSError, match="Cannot allocate memory"):
        mapped_file._put_copy_in_place(0, 2**62)


@pytest.mark.parametrize("name", ["model-00001-of-00002.gguf", "missing.gguf"])
def test_what_cannot_be_watched_has_to_be_read(tmp_path, name):
    if "of" in name:
        (tmp_path / name).write_bytes(CONTENT)
    assert MappedFile.open(tmp_path / name) is None


def test_a_file_that_somebody_is_writing_has_no_lease(path):
    with path.open("r+b"):
        assert FileLease.take(path) is None


def test_a_name_that_is_none_and_a_pipe_have_no_lease(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert FileLease.take(tmp_path / "pipe") is None
    assert FileLease.take(Path("a\0b")) is None


@pytest.mark.parametrize("text", ["5\n", "never\n", None])
def test_a_system_that_gives_no_time_for_a_copy_gives_no_lease(path, tmp_path, monkeypatch, text):
    if text is not None:
        (tmp_path / "time").write_text(text, encoding="ascii")
    monkeypatch.setattr(file_lease, "_BREAK_TIME", tmp_path / "time")
    assert FileLease.take(path) is None


def test_a_lease_says_when_it_is_wanted_back(path):
    lease = FileLease.take(path)
    assert not lease.is_wanted_back()
    with pytest.raises(BlockingIOError):
        os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    assert lease.is_wanted_back()
    lease.give_back()
