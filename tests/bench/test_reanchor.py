"""Typing beside background work is compared with typing in quiet."""

from __future__ import annotations

import asyncio
import sysconfig
from pathlib import Path

import pytest

from pylot_ls.bench.reanchor import ReanchorReport, Typed, bench_reanchor
from pylot_ls.bench.typist import trace_in_one_place
from pylot_ls.cli.bench_tables import reanchor_table
from pylot_ls.errors import ClientError, DocumentError
from pylot_ls.lsp.client import Answer
from pylot_ls.text.files import document_from_file


def answers(*first_ms, background=0):
    return [
        Answer("x", ms + 1, first_token_ms=ms, background_tokens=background * number)
        for number, ms in enumerate(first_ms)
    ]


def test_the_ratio_is_busy_over_quiet():
    quiet, busy = Typed.of(answers(10.0, 10.0, 10.0)), Typed.of(answers(12.0, 13.0, 13.0, background=100))
    report = ReanchorReport(quiet, busy, 1400, finished_while_typing=True, finished_s=20.0)
    assert report.as_dict()["ratio"] == {"ttft_p50": 1.3, "ttft_p95": 1.3}
    assert (quiet.background_tokens, busy.background_tokens) == (0, 200)
    assert "before the typing was" in str(reanchor_table(report).renderables[2])


def test_in_one_place_whole_lines_are_typed_one_after_another():
    source = "\n".join(f"    line_{number} = {number}" for number in range(100))
    trace = trace_in_one_place(source, 60)
    assert len(trace.keystrokes) == 60
    assert not any(key.jumped for key in trace.keystrokes)
    returns = [key for key in trace.keystrokes if key.text.startswith("\n")]
    assert [key.start[0] for key in returns] == list(range(49, 49 + len(returns)))
    assert "line_50" not in trace.opened


def test_a_file_of_one_line_is_too_short():
    with pytest.raises(DocumentError, match="too short"):
        trace_in_one_place("x = 1", 10)


def test_a_model_that_is_never_busy_is_an_error(bundled_run):
    document = document_from_file(Path(sysconfig.get_path("stdlib")) / "argparse.py")
    with pytest.raises(ClientError, match="choose a larger one"):
        asyncio.run(bench_reanchor(bundled_run, document, 4))


def test_without_a_model_there_is_nothing_to_measure(scripted_run, document):
    with pytest.raises(ClientError, match="choose one"):
        asyncio.run(bench_reanchor(scripted_run, document, 4))
