"""What models are forecast to take is what processes with them are measured to take."""

from __future__ import annotations

import json
import subprocess

import pytest

from pylot_ls.bench import memory
from pylot_ls.bench.memory import Case, MemoryReport, MemoryRow, bench_memory, case_of
from pylot_ls.bench.synthetic import Shape
from pylot_ls.errors import ClientError, ModelNotFoundError

SMALL = Shape(n_layers=4, n_embd=128, n_heads=4, n_kv_heads=2, n_ff=512)
CASES = {
    "ordinary": Case(SMALL, n_ctx=512),
    "long": Case(Shape(n_layers=8, n_embd=256, n_heads=4, n_kv_heads=4, n_ff=512), n_ctx=2048),
    "wide": Case(Shape(n_layers=2, n_embd=512, n_heads=8, n_kv_heads=2, n_ff=6144), n_ctx=512),
    "q8_0": Case(Shape(n_layers=8, n_embd=256, n_heads=4, n_kv_heads=4, n_ff=512), n_ctx=1024, kv_type="q8_0"),
    "not fused": Case(SMALL, n_ctx=1024, flash_attention="off"),
    "copied": Case(Shape(n_layers=2, n_embd=256, n_heads=4, n_kv_heads=2, n_ff=1024, quantization="Q4_K"), n_ctx=512),
}
# The goal is a tenth. Nothing here depends on the time, but pages come in clusters, and what is freed may stay.
TOLERANCE = 0.10


def test_forecasts_are_within_a_tenth_of_what_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "CASES", CASES)
    report = bench_memory(list(CASES), tmp_path, 1)
    found = {row.name: row.ratio for row in report.rows}
    assert len(found) == len(CASES)
    assert all(abs(ratio - 1) <= TOLERANCE for ratio in found.values()), found


def test_the_report_compares_the_worst_with_the_limit():
    rows = tuple(MemoryRow(name, "f16", "on", 512, 1024, forecast, 100) for name, forecast in (("a", 104), ("b", 95)))
    values = MemoryReport(rows).as_dict()
    assert [row["ratio"] for row in values["shapes"]] == [1.04, 0.95]
    assert (values["ours"], values["limit"], values["ratio"]) == ({"off_by": 0.05}, {"off_by": 0.1}, {"off_by": 0.5})


def test_a_shape_that_is_none_is_refused_with_the_choice():
    with pytest.raises(ModelNotFoundError, match=r"no shape 'x'; choose of: vocabulary; .*qwen2\.5-coder-0\.5b"):
        case_of("x")
    assert case_of("qwen2.5-coder-0.5b").n_ctx is None


def test_a_process_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "CASES", {"a": Case(SMALL)})
    monkeypatch.setattr(memory, "synthetic_model", lambda *_: tmp_path / "none.gguf")
    with pytest.raises(ClientError, match=r"a could not be measured: no model at .*none\.gguf"):
        bench_memory(["a"], tmp_path, 1)


def test_the_command_prints_one_object(tmp_path, monkeypatch, capsys):
    from typer.testing import CliRunner  # noqa: PLC0415 - with the application, which takes a while

    from pylot_ls.cli.app import app  # noqa: PLC0415

    def run(command, **_options):
        taken = {"forecast_bytes": 100, "measured_bytes": 101, "n_ctx": 512, "n_cells": 1024}
        return subprocess.CompletedProcess(command, 0, json.dumps(taken), "")

    monkeypatch.setattr(memory.subprocess, "run", run)
    monkeypatch.setattr(memory, "synthetic_model", lambda *_: tmp_path / "any.gguf")
    runner = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path), "COLUMNS": "160"})
    done = runner.invoke(app, ["bench", "memory", "--json"])
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    assert len(values["shapes"]) >= 5
    assert set(values) == {"shapes", "ours", "limit", "ratio"}
    assert "off by 1.0% at most" in runner.invoke(app, ["bench", "memory"]).stdout
    assert runner.invoke(app, ["bench", "memory", "none"]).exit_code == 1
