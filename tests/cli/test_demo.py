from __future__ import annotations

import re


def test_the_demo_types_through_the_real_server_and_sums_up(pylot):
    done = pylot("demo")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    suggestions = [line for line in lines if re.search(r"[\d.]+ ms +\d+ evaluated +\d+ reused +\d+  .*\|\S", line)]
    assert len(suggestions) > 20
    assert any("[Tab]" in line for line in suggestions)
    summary = "\n".join(lines[-3:])
    assert re.search(r"\d+ keystrokes, \d+ suggestions, [1-9]\d* accepted", summary)
    assert re.search(r"median per other keystroke: [\d.]+ ms, [12] tokens evaluated", summary)


def test_the_demo_types_into_a_file_that_is_named(pylot, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import os\n\nfirst = 1\nsecond = first\n", encoding="utf-8")
    done = pylot("demo", path, "--scripted")
    assert done.returncode == 0, done.stderr
    assert "scripted_suggestion" in done.stdout


def test_a_demo_that_cannot_be_is_explained(pylot, tmp_path):
    (tmp_path / "empty.py").write_text("", encoding="utf-8")
    assert "no line of text" in pylot("demo", "empty.py", "--scripted").stderr
    assert "no model at" in pylot("demo", "--model", "none.gguf").stderr
