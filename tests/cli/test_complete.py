from __future__ import annotations

import json
import os

import pytest

SOURCE = "class Item:\n    def __init__(self, name, price):\n        self.name = name\n        self.pr"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "item.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_the_suggestion_of_the_bundled_model_is_printed(pylot, source):
    done = pylot("complete", f"{source}:4:16")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_json_has_the_text_and_what_it_cost(pylot, source):
    printed = json.loads(pylot("complete", f"{source}:4:16", "--json").stdout)
    assert printed["text"] == pylot("complete", f"{source}:4:16").stdout.removesuffix("\n")
    assert printed["tokens_evaluated"] > 10
    assert printed["tokens_reused"] == 0
    assert printed["timings"]["first_token_ms"] > 0


def test_columns_count_characters_from_one(pylot_inside, tmp_path):
    path = tmp_path / "emoji.py"
    path.write_text("s = '😀é'\n", encoding="utf-8")
    assert pylot_inside("complete", f"{path}:1:8", "--scripted").returncode == 0
    assert pylot_inside("complete", f"{path}:1:9", "--scripted").returncode == 0
    done = pylot_inside("complete", f"{path}:1:10", "--scripted")
    assert done.returncode == 1
    assert "1 to 9, not 10" in done.stderr


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("item.py", "FILE:LINE:COL"),
        ("item.py:4", "FILE:LINE:COL"),
        ("item.py:0:1", "there is no line 0"),
        ("item.py:99:1", "has 4 lines"),
        ("item.py:4:0", "column must be 1 to"),
        ("missing.py:1:1", "missing.py"),
        (".:1:1", "folder"),
        ("bytes.bin:1:1", "bytes.bin"),
        ("pipe:1:1", "pipe"),
    ],
)
def test_what_is_no_place_in_a_text_is_said(pylot_inside, source, tmp_path, place, said):
    (tmp_path / "bytes.bin").write_bytes(b"\x00\xff\xfe\x00" * 100)
    os.mkfifo(tmp_path / "pipe")
    done = pylot_inside("complete", place)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no model at"), (b"", "not a GGUF"), (b"#!/bin/sh\n", "not a GGUF"), (b"GGUF\x03\0\0\0", "cut short")],
)
def test_what_is_no_model_is_said(pylot_inside, source, tmp_path, content, said):
    model = tmp_path / "model.gguf"
    if content is not None:
        model.write_bytes(content)
    done = pylot_inside("complete", f"{source}:4:16", "--model", model)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_said_and_the_command_goes_on(pylot_inside, source):
    done = pylot_inside("complete", f"{source}:4:16", "--scripted", PYLOT_LS_COMPLETION_MAX_TOKENS="lots")
    assert done.returncode == 0
    assert "PYLOT_LS_COMPLETION_MAX_TOKENS" in done.stderr
    assert done.stdout == "scripted_suggestion\n"
