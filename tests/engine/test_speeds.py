"""How fast models are: measured when they are loaded, remembered by their content and the threads, else a forecast."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from shelf import Shelf

from pylot_ls.engine.identity import known_identity, model_identity
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.remembered import recall, remember
from pylot_ls.engine.speeds import Measured, Speed, SpeedBook

MIB = 2**20
HALF = Measured(100.0, 20.0, 500 * MIB, 500_000_000)


@pytest.fixture
def book(tmp_path):
    return SpeedBook(tmp_path / "state" / "speeds.json", tmp_path / "models.json")


@pytest.fixture
def model(tmp_path, book):
    """A file whose hash is known."""
    path = tmp_path / "model.gguf"
    path.write_bytes(b"any bytes")
    model_identity(path, book.identities, lambda: True)
    return path


def test_what_was_measured_of_a_model_is_said_of_it(book, model):
    book.remember(known_identity(model, book.identities), 2, HALF)
    assert book.speed(model, 2, 1, 1) == Speed(100.0, 20.0, is_measured=True)


def test_a_copy_of_the_file_is_the_same_model_once_it_is_known(book, model, tmp_path):
    book.remember(known_identity(model, book.identities), 2, HALF)
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(model.read_bytes())
    assert book.speed(copy, 2, 1, 1) is None
    model_identity(copy, book.identities, lambda: True)
    assert book.speed(copy, 2, 1, 1).is_measured


def test_another_model_is_as_much_slower_as_it_is_larger(book):
    book.remember("half", 2, HALF)
    book.remember("seven", 2, Measured(7.0, 2.0, 7000 * MIB, 7_000_000_000))
    assert book.speed(None, 2, 1000 * MIB, 1_000_000_000) == Speed(50.0, 10.0, is_measured=False)
    assert book.speed(None, 2, 14000 * MIB, 14_000_000_000) == Speed(3.5, 1.0, is_measured=False)


def test_where_nothing_is_alike_nothing_is_said(book):
    book.remember("half", 2, HALF)
    book.remember("tiny", 1, Measured(9000.0, 900.0, 3 * MIB, 3_000_000))
    assert book.speed(None, 4, 1000 * MIB, 1_000_000_000) is None  # other threads
    assert book.speed(None, 1, 1000 * MIB, 1_000_000_000) is None  # so small a one says nothing of a large one
    assert book.speed(None, 2, 3 * MIB, 3_000_000) is None
    assert book.speed(None, 2, 1000 * MIB, 0) is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"half:2": 3}', '{"half:2": {"decode_per_s": "x"}}', "\x00"])
def test_a_damaged_file_remembers_nothing(book, content):
    book.file.parent.mkdir()
    book.file.write_text(content)
    assert book.speed(None, 2, 1000 * MIB, 1_000_000_000) is None
    book.remember("half", 2, HALF)
    assert book.speed(None, 2, 500 * MIB, 500_000_000) == Speed(100.0, 20.0, is_measured=False)


def test_a_file_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "file").write_text("")
    remember(tmp_path / "file" / "speeds.json", {"a": 1}, 5)
    assert recall(tmp_path / "file" / "speeds.json") == {}


def test_the_last_ones_are_kept(tmp_path):
    remember(tmp_path / "a.json", {str(number): number for number in range(9)}, 3)
    assert recall(tmp_path / "a.json") == {"6": 6, "7": 7, "8": 8}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_model_is_measured_when_it_is_loaded(drive, bundled_config, book, tmp_path):
    persistence = PersistenceConfig(Shelf(), book.identities)
    driven = drive(LlamaBackend(replace(bundled_config, persistence=persistence, speeds=book)))
    info = driven.state().info
    driven.backend._loaded.persistence._thread.join()
    driven.backend.close()
    speed = book.speed(bundled_config.path, 1, info.size_bytes, info.n_params)
    assert speed.is_measured
    assert speed.decode_per_s > 0
    assert speed.prefill_per_s > 0
    (entry,) = json.loads(book.file.read_text()).values()
    assert (entry["n_bytes"], entry["n_params"]) == (info.size_bytes, info.n_params)
