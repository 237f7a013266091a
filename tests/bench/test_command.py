"""The commands ``pylot-ls bench ...``: what they print and what they refuse."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pylot_ls.bench import synthetic
from pylot_ls.bench.synthetic import Shape
from pylot_ls.cli.app import app
from pylot_ls.machine import process_alive


@pytest.fixture
def bench(tmp_path):
    def run(*arguments):
        return CliRunner(env={"XDG_CACHE_HOME": str(tmp_path), "COLUMNS": "160"}).invoke(app, ["bench", *arguments])

    return run


def test_keystrokes_as_json_with_a_peer(bench, fake_peer):
    done = bench(
        *("keystrokes", "--keystrokes", "20", "--max-tokens", "4"),
        *("--peer", f"llama-server={fake_peer.program}", "--json"),
    )
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    sides = {"tokens_evaluated", "ttft_ms", "shown_ms", "over_step_ms"}
    keys = {f"{key}_{percentile}" for key in sides for percentile in ("p50", "p95")} | {"cpu_s_per_1000_chars"}
    for side in (values, values["ours"], values["peer"]):
        assert keys <= set(side)
    assert set(values["ratio"]) == {"ttft_p50", "ttft_p95", "cpu"}
    assert set(values["limit"]) == {"ttft_p50"}
    assert (values["max_tokens"], values["synthetic"]) == (4, False)


def test_keystrokes_of_the_scripted_server(bench):
    done = bench("keystrokes", "--keystrokes", "10", "--scripted")
    assert done.exit_code == 0, done.output
    # Where its text would be an error there is none.
    assert re.search(r"10 keystrokes, [1-9]\d* suggestions", done.stdout)


def test_actions_are_listed_beside_requests_that_do_nothing(bench):
    done = bench("actions", "--lists", "3", "--scripted", "--json")
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    assert (values["n_lines"], values["n_lists"]) == (5000, 3)
    assert values["n_actions"] > 0
    for kind in ("here", "elsewhere", "edited"):
        assert values[kind]["p50_ms"] > 0
        assert values[kind]["ratio_p50"] > 0
    assert "finds nothing to do" in bench("actions", "--lists", "1", "--scripted").stdout


def test_a_synthetic_model_is_made_and_told_to_be_one(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(synthetic, "SHAPES", {"tiny": Shape(1, 64, 2, 1, 64)})
    done = bench("decode", "--tokens", "5", "--model", "synthetic:tiny", "--max-tokens", "4")
    assert done.exit_code == 0, done.output
    assert "random weights" in done.stdout
    assert "bare loop" in done.stdout
    assert [path.name for path in (tmp_path / "pylot-ls" / "synthetic").iterdir()] == ["tiny-2.gguf"]


def test_sessions(bench):
    done = bench("sessions", "--keystrokes", "5", "--scripted")
    assert done.exit_code == 0, done.output
    assert "2 files in turn, 10 keystrokes" in done.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX's")
def test_a_benchmark_that_is_terminated_ends_its_peer(fake_peer):
    os.mkfifo(fake_peer.log)
    command = ("bench", "keystrokes", "--keystrokes", "1000", "--peer", f"llama-server={fake_peer.program}")
    # As in the background of a shell without job control.
    shell = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
    bench = subprocess.Popen((*shell, sys.executable, "-m", "pylot_ls", *command), stderr=subprocess.DEVNULL)
    # The peer waits here until it is listened to, and says who it is.
    with fake_peer.log.open(encoding="utf-8") as log:
        peer = json.loads(log.readline())["pid"]
        assert process_alive(peer)
        bench.terminate()
        assert bench.wait() == 128 + signal.SIGTERM
    assert not process_alive(peer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("keystrokes", "--peer", "/usr/bin/llama-server"), "write --peer llama-server=PATH"),
        (("keystrokes", "--peer", "llama-server="), "write --peer llama-server=PATH"),
        (("decode", "--peer", "llama-server=x"), "write --peer llama-bench=PATH"),
        (("keystrokes", "--model", "none.gguf"), "none.gguf: set model.path to a GGUF file"),
        (("keystrokes", "--model", "synthetic:none"), "no synthetic model 'none'"),
        (("keystrokes", "none.py"), "none.py"),
    ],
)
def test_what_cannot_be_is_explained(bench, arguments, message):
    done = bench(*arguments)
    assert done.exit_code != 0
    assert message in done.output
