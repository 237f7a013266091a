"""llama-server is started, asked and ended; what goes wrong with it is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pylot_ls.bench.infill import infill_request
from pylot_ls.bench.peer import LlamaServer
from pylot_ls.errors import ClientError
from pylot_ls.machine import process_alive
from pylot_ls.text.rope import Text


def ask(program, run, n_ctx=4096):
    """Start the peer, ask it once and end it."""

    async def conversation():
        async with LlamaServer(program, run, n_ctx) as server:
            pid = server.pid
            assert process_alive(pid)
            answer = await server.infill(infill_request(Text.from_str("x = "), 4, run.max_tokens))
        assert not process_alive(pid)
        return answer

    return asyncio.run(conversation())


def test_it_runs_the_same_model_with_the_same_threads_and_context(fake_peer, bundled_run):
    ask(fake_peer.program, replace(bundled_run, n_threads=3))
    arguments = fake_peer.arguments
    assert arguments.pop("--port").isdigit()
    assert arguments == {
        "-m": str(bundled_run.model),
        "--host": "127.0.0.1",
        "-c": "4096",
        "-t": "3",
        "-np": "1",
        "-b": "1024",
        "-ub": "1024",
        "--cache-reuse": "256",
    }


def test_layers_on_the_gpu_are_passed_on_where_they_were_chosen(fake_peer, bundled_run):
    ask(fake_peer.program, replace(bundled_run, n_gpu_layers=0))
    assert fake_peer.arguments["-ngl"] == "0"


def test_an_answers_text_and_timings_are_read(fake_peer, bundled_run):
    answer = ask(fake_peer.program, bundled_run)
    assert (answer.text, answer.tokens_evaluated, answer.tokens_decoded) == ("x", 253, 8)
    assert answer.first_token_ms == 40.0
    assert answer.wall_ms > 0
    assert [request["path"] for request in fake_peer.requests] == ["/infill"]


def test_its_prompts_leave_room_in_a_small_context(fake_peer, bundled_run):
    ask(fake_peer.program, bundled_run, n_ctx=512)
    n_batch = int(fake_peer.arguments["-b"])
    assert 400 < n_batch <= 512 - 2 * bundled_run.max_tokens


def test_a_context_without_room_is_refused(fake_peer, bundled_run):
    with pytest.raises(ClientError, match=r"no room for a prompt.*--max-tokens"):
        ask(fake_peer.program, replace(bundled_run, max_tokens=128), n_ctx=256)


def test_a_refusal_is_an_error_with_its_reason(fake_peer, bundled_run):
    with pytest.raises(ClientError, match=r"refused.*unlucky"):
        ask(fake_peer.program, replace(bundled_run, max_tokens=13))


def test_an_answer_without_timings_is_an_error(fake_peer, bundled_run):
    with pytest.raises(ClientError, match="no timings"):
        ask(fake_peer.program, replace(bundled_run, max_tokens=14))


def test_one_that_ends_before_it_is_ready_is_an_error_with_its_last_words(fake_peer, bundled_run):
    with pytest.raises(ClientError, match=r"ended before it was ready\n.*no context of 99"):
        ask(fake_peer.program, bundled_run, n_ctx=99)


def test_one_that_cannot_be_started_is_an_error(tmp_path, bundled_run):
    with pytest.raises(ClientError, match="cannot start the peer"):
        ask(tmp_path / "none", bundled_run)
