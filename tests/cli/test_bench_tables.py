"""The benchmarks' figures as people read them."""

from __future__ import annotations

import io

from rich.console import Console

from pylot_ls.bench.cold_open import ColdOpen
from pylot_ls.bench.decode import DecodeReport
from pylot_ls.bench.figures import Cost, figures
from pylot_ls.bench.report import KeystrokeReport, PeerFigures
from pylot_ls.bench.restore import RestoreReport, RestoreRow
from pylot_ls.bench.speculation import SpeculationRow
from pylot_ls.cli.bench_tables import decode_table, keystrokes_table, restore_table

PEER = PeerFigures(figures([Cost(253, 8, 400.0, 410.0)], 8.0, 30.0, 500), 1024, 0.25)

REPETITIVE = SpeculationRow(suggestions=9, different=1, n_tokens=120, with_ms=100.0, without_ms=130.0)


def printed(table):
    console = Console(file=io.StringIO(), width=160)
    console.print(table)
    return console.file.getvalue()


def keystrokes(peer, step_ms=8.0):
    ours = figures([Cost(1, 8, 10.0, 12.0)], step_ms, 2.0, 500)
    return printed(keystrokes_table(KeystrokeReport(1, 1, 300.0, 900, step_ms, 8, 2, ours, peer)))


def test_a_peer_stands_beside_us_and_how_it_was_measured_below():
    text = keystrokes(PEER)
    for part in (
        "at most 8 tokens decoded for each, 2 threads",
        "typed through, no model asked",
        "one bare decode step, p50: 8.00 ms",
        "first token p50 40.00 x, p95 40.00 x, processor time 15.00 x",
        "over one bare decode step: first token p50 50.00 x",
        "prompts of 1024 tokens at most and decoded 8 (n_predict)",
        "worked 0.25 s of processor time while",
    ):
        assert part in text


def test_without_a_peer_nothing_is_said_of_one():
    assert "llama-server" not in keystrokes(None)
    assert "bare decode step" not in keystrokes(None, step_ms=None)


def test_rates_of_decoding():
    text = printed(decode_table(DecodeReport(200, 10, 700, 19.0, 20.0, 20.5, REPETITIVE, SpeculationRow())))
    assert "0.95 x" in text
    assert "0.93 x" in text
    plain = printed(decode_table(DecodeReport(200, 10, 700, 19.0, 20.0, None)))
    assert "llama-bench" not in plain
    assert "speculation" not in plain


def test_a_restart_and_whether_kv_came_back_as_it_was():
    row = RestoreRow(20_000.0, 100.0, 2048, 2047, 2048, 1)
    cold_open = ColdOpen(700.0, 950.0, 40.0, 70.0, 14_000.0, 1000.0)
    kv = {"n_tokens": 2047, "n_bytes": 2**20, "kv_identical": True, "logits_identical": False}
    report = RestoreReport(
        row, row, row, cold_open, {**kv, "elsewhere": 0.3, "noise_floor": 0.2}, max_tokens=8, n_threads=2
    )
    text = printed(restore_table(report))
    for part in ("200.00 x", "30 lines further down", "read back: identical", "NOT identical", "0.3, above the noise"):
        assert part in text
