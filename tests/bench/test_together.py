"""Several editors type at once on one shared server, and then as many clients on a peer."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import pytest

from pylot_ls.bench.shared import SharedServer
from pylot_ls.bench.together import bench_together
from pylot_ls.errors import ClientError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the folder of the shared server is chosen as on Unix")


def test_editors_and_completions_share_one_server(bundled_run, document):
    done = []
    report = asyncio.run(bench_together(bundled_run, document, 3, 4, on_keystroke=done.append))
    assert done == list(range(1, 13))
    assert (report.sessions, report.keystrokes, report.peer) == (3, 12, None)
    assert report.ours.asked + report.ours.typed_through == 12
    assert report.ours.tokens_evaluated_p50 >= 1
    assert report.ours.tokens_per_s > 0
    assert report.as_dict()["ratio"] is None


def test_a_peer_is_asked_the_same_on_a_slot_for_each(bundled_run, document, fake_peer):
    report = asyncio.run(bench_together(bundled_run, document, 2, 4, peer=fake_peer.program))
    assert (fake_peer.arguments["-np"], fake_peer.arguments["-c"]) == ("2", str(2 * bundled_run.n_ctx))
    asked = [request["body"]["id_slot"] for request in fake_peer.requests if request["path"] == "/infill"]
    # The cold prompts do not count, and where much stands behind the cursor llama.vim does not ask.
    assert set(asked) == {0, 1}
    assert len(asked) - 2 <= report.peer.asked <= 8
    assert report.peer.tokens_evaluated_p50 == 253
    plain = [request["body"] for request in fake_peer.requests if request["path"] == "/v1/completions"]
    assert len({body["prompt"] for body in plain}) == 2
    assert set(report.as_dict()["ratio"]) == {"ttft_p50", "ttft_p95", "throughput"}


def test_a_peer_needs_a_model(scripted_run, document, fake_peer):
    with pytest.raises(ClientError, match="leave out --scripted"):
        asyncio.run(bench_together(scripted_run, document, 2, 4, peer=fake_peer.program))


def test_a_server_that_cannot_start_says_why(bundled_run):
    run = replace(bundled_run, command=(*bundled_run.command, "--no-such-option"))

    async def start():
        async with SharedServer(run):
            pass

    with pytest.raises(ClientError, match="no-such-option"):
        asyncio.run(start())
