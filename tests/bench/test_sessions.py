from __future__ import annotations

import asyncio

from pylot_ls.bench.sessions import bench_sessions


def test_files_are_typed_in_turn_on_one_server(bundled_run, document):
    done = []
    report = asyncio.run(bench_sessions(bundled_run, document, 3, 5, on_keystroke=done.append))
    assert done == list(range(1, 16))
    assert (report.sessions, report.keystrokes) == (3, 15)
    assert report.tokens_evaluated_p95 >= report.tokens_evaluated_p50 >= 1
    assert report.ttft_ms_p50 > 0
