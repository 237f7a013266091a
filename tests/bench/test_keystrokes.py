"""The benchmark measures the whole server."""

from __future__ import annotations

import asyncio
import itertools
import sys
from dataclasses import replace

import pytest

from pylot_ls.bench.keystrokes import bench_keystrokes
from pylot_ls.bench.typist import typing_trace
from pylot_ls.errors import ClientError


def bench(run, document, n_keystrokes=60, **options):
    return asyncio.run(bench_keystrokes(run, document, n_keystrokes, **options))


def test_a_keystroke_evaluates_a_token_or_two_on_the_bundled_model(bundled_run, document):
    report = bench(bundled_run, document, 100)
    assert report.keystrokes == 100
    assert report.suggestions > 10
    assert 0 < report.ours.typed_through < report.ours.asked == 100
    assert report.ours.tokens_decoded_mean > 1
    assert 1 <= report.ours.tokens_evaluated_p50 <= 2
    assert report.tokens_reused_p50 > 100
    assert 0 < report.ours.ttft_ms_p50 <= report.ours.shown_ms_p50
    going_on, elsewhere = report.places["going_on"], report.places["elsewhere"]
    assert report.ours.over_step_ms_p50 == pytest.approx(going_on.ttft_ms_p50 - report.step_ms_p50, abs=0.01)
    assert going_on.asked + elsewhere.asked == 100
    assert 0 < elsewhere.asked < 10
    assert going_on.tokens_evaluated_p50 < elsewhere.tokens_evaluated_p50
    assert report.ours.tokens_evaluated_p95 <= 8
    assert report.ours.cpu_s_per_1000_chars > 0


def test_nothing_is_kept_on_disk_for_the_next_run(bundled_run, document, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bench(bundled_run, document, 10)
    assert not (tmp_path / "cache" / "pylot-ls" / "kv").exists()


def test_without_the_anchor_the_suffix_is_evaluated_again(bundled_run, document, monkeypatch):
    monkeypatch.setenv("PYLOT_LS_PROMPT_ANCHORED", "false")
    assert bench(bundled_run, document).ours.tokens_evaluated_p50 > 20


def test_a_peer_types_the_same_and_decodes_as_many_tokens(bundled_run, document, fake_peer):
    report = bench(bundled_run, document, 60, peer=fake_peer.program)
    bodies = [request["body"] for request in fake_peer.requests]
    assert {body["n_predict"] for body in bodies} == {bundled_run.max_tokens}
    assert fake_peer.arguments["-c"] == "512"
    # The first request only warms it up, as ours does.
    assert report.peer.figures.asked == len(bodies) - 1 <= report.keystrokes
    assert report.peer.figures.ttft_ms_p50 == 40.0
    # Nearly each prompt is the one before and a character more.
    typed = [body["prompt"] for body in bodies]
    assert sum(1 for before, after in itertools.pairwise(typed) if after[:-1] == before) > 20


def test_no_model_means_no_bare_step_and_no_peer(scripted_run, document, fake_peer):
    report = bench(scripted_run, document, 10)
    assert 0 < report.suggestions <= report.keystrokes == 10
    assert report.step_ms_p50 is None
    with pytest.raises(ClientError, match="leave out --scripted"):
        bench(scripted_run, document, 10, peer=fake_peer.program)


def test_pauses_are_waited_for_only_when_asked_for(scripted_run, document, monkeypatch):
    slept = []
    real_sleep = asyncio.sleep

    async def record(seconds):
        slept.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr(asyncio, "sleep", record)
    bench(scripted_run, document, 10, pauses=True)
    pauses = [key.pause_ms / 1000 for key in typing_trace(str(document.text), 10).keystrokes]
    assert slept == pauses
    bench(scripted_run, document, 10)
    assert slept == pauses


def test_a_server_that_ends_is_an_error_with_its_last_words(scripted_run, document):
    run = replace(scripted_run, command=(sys.executable, "-c", "import sys; sys.exit('no such luck')"))
    with pytest.raises(ClientError, match="no such luck"):
        bench(run, document, 5)


def test_a_server_that_cannot_be_started_is_an_error(scripted_run, document):
    with pytest.raises(ClientError, match="cannot start"):
        bench(replace(scripted_run, command=("/no/such/server",)), document, 5)
