from __future__ import annotations

import asyncio

import pytest

from pylot_ls.bench.decode import bench_decode, llama_bench_rate
from pylot_ls.errors import ClientError


def test_our_rate_stands_beside_the_bare_loops_and_llama_benchs(bundled_run, document, fake_peer):
    report = asyncio.run(bench_decode(bundled_run, document, 20, llama_bench=fake_peer.program))
    values = report.as_dict()
    assert values["n_tokens"] >= 20
    assert values["depth_p50"] > 100
    assert values["ratio"]["bare_loop"] == pytest.approx(values["tokens_per_s"] / values["bare_tokens_per_s"], abs=0.01)
    assert values["llama_bench_tokens_per_s"] == 21.5
    rows = values["speculation"]
    assert values["ratio"]["speculation_repetitive"] == rows["repetitive"]["speed"] > 0
    assert values["ratio"]["speculation_other"] == rows["other"]["speed"] > 0
    assert rows["other"]["n_tokens"] >= 20
    arguments = fake_peer.arguments
    assert arguments["-d"] == str(values["depth_p50"])
    assert (arguments["-t"], arguments["-fa"], arguments["-n"], arguments["-p"]) == ("1", "1", "20", "0")


def test_without_llama_bench_there_is_no_ratio_to_it(bundled_run, document):
    values = asyncio.run(bench_decode(bundled_run, document, 5, speculation=False)).as_dict()
    assert values["llama_bench_tokens_per_s"] is None
    assert values["ratio"]["llama_bench"] is None
    assert values["speculation"] == {"repetitive": None, "other": None}


def test_a_llama_bench_that_fails_is_an_error_with_its_last_line(bundled_run, tmp_path):
    program = tmp_path / "llama-bench"
    program.write_text("#!/bin/sh\necho first >&2; echo 'error: no such option' >&2; exit 3\n", encoding="utf-8")
    program.chmod(0o700)
    with pytest.raises(ClientError, match=r"exit code 3\)\nerror: no such option"):
        llama_bench_rate(program, bundled_run, 100, 10)
    with pytest.raises(ClientError, match="cannot start"):
        llama_bench_rate(tmp_path / "none", bundled_run, 100, 10)
