"""The benchmark measures the whole server."""

from __future__ import annotations

import asyncio
import sys

import pytest

from pylot_ls.bench.keystrokes import bench_keystrokes, percentile
from pylot_ls.bundled import sample_path
from pylot_ls.errors import ClientError
from pylot_ls.text.files import document_from_file


def bench(*arguments, n_keystrokes=60):
    command = [sys.executable, "-m", "pylot_ls", *arguments]
    return asyncio.run(bench_keystrokes(command, document_from_file(sample_path()), n_keystrokes))


def test_a_keystroke_evaluates_a_token_or_two_on_the_bundled_model():
    report = bench()
    assert report.keystrokes == 60
    assert report.suggestions > 10
    assert 1 <= report.tokens_evaluated_p50 <= 2
    assert report.tokens_reused_p50 > 100
    assert 0 < report.ttft_ms_p50 <= report.shown_ms_p50


def test_without_the_anchor_the_suffix_is_evaluated_again(monkeypatch):
    monkeypatch.setenv("PYLOT_LS_PROMPT_ANCHORED", "false")
    assert bench().tokens_evaluated_p50 > 20


def test_a_server_that_ends_is_an_error_with_its_last_words():
    command = [sys.executable, "-c", "import sys; sys.exit('no such luck')"]
    with pytest.raises(ClientError, match="no such luck"):
        asyncio.run(bench_keystrokes(command, document_from_file(sample_path()), 5))


def test_a_server_that_cannot_be_started_is_an_error():
    with pytest.raises(ClientError, match="cannot start"):
        asyncio.run(bench_keystrokes(["/no/such/server"], document_from_file(sample_path()), 5))


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, 0.0), ([3.0], 95, 3.0), ([1.0, 2.0, 3.0], 50, 2.0), (list(map(float, range(101))), 95, 95.0)],
)
def test_percentiles(values, percent, expected):
    assert percentile(values, percent) == expected
