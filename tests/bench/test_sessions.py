from __future__ import annotations

import asyncio

from pylot_ls.bench.sessions import bench_sessions
from pylot_ls.lsp.client import Answer


def test_files_are_typed_in_turn_on_one_server(bundled_run, document):
    done = []
    report = asyncio.run(bench_sessions(bundled_run, document, 3, 5, on_keystroke=done.append))
    assert done == list(range(1, 16))
    assert (report.sessions, report.keystrokes) == (3, 15)
    assert 0 <= report.typed_through < 15
    assert report.tokens_evaluated_p95 >= report.tokens_evaluated_p50 >= 1
    assert report.ttft_ms_p50 > 0


def test_a_prompt_is_counted_where_the_model_had_nothing_to_say():
    assert Answer("", 30.0, tokens_evaluated=140, first_token_ms=0.0, total_ms=28.0).first_result_ms == 28.0
    assert Answer("x", 30.0, tokens_evaluated=1, first_token_ms=2.0, total_ms=28.0).first_result_ms == 2.0
