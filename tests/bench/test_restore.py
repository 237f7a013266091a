"""A restart is measured through the whole server, and KV on llama.cpp itself."""

from __future__ import annotations

import argparse
import asyncio
import json

import pytest
from patient_server import PATIENT_PYLOT_LS
from typer.testing import CliRunner

from pylot_ls.bench.child import ChildProcess
from pylot_ls.bench.cold_open import ColdOpen, bench_cold_open, n_answers
from pylot_ls.bench.restore import RestoreReport, RestoreRow, bench_restore
from pylot_ls.cli.app import app
from pylot_ls.cli.options import server_command
from pylot_ls.errors import ClientError
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

KV = {
    "n_tokens": 2047,
    "n_bytes": 25_000_000,
    "kv_identical": True,
    "logits_identical": True,
    "elsewhere": 0.1,
    "noise_floor": 0.2,
}
COLD_OPEN = ColdOpen(700.0, 950.0, 40.0, 70.0, 14_000.0, 1000.0)


def patient_command(model, *, scripted=False):
    return [*PATIENT_PYLOT_LS, *server_command(model, scripted=scripted)[3:]]


def test_what_was_evaluated_before_a_restart_is_not_evaluated_again(tmp_path, monkeypatch):
    monkeypatch.setattr("pylot_ls.cli.bench.server_command", patient_command)
    monkeypatch.setenv("PYLOT_LS_MODEL_N_THREADS", "1")
    monkeypatch.setenv("PYLOT_LS_MODEL_N_CTX", "512")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = CliRunner().invoke(app, ["bench", "restore", argparse.__file__, "--max-tokens", "4", "--json"])
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    rows = values["rows"]
    # Half of the context.
    assert rows["same"]["prompt_tokens"] == rows["same"]["cold_tokens"] == 256
    assert rows["tail"]["prompt_tokens"] == rows["tail"]["cold_tokens"] == 137
    assert rows["same"]["warm_tokens"] == rows["tail"]["warm_tokens"] == 1
    assert rows["moved"]["warm_tokens"] < rows["moved"]["cold_tokens"]
    assert values["kv_identical"]
    assert values["logits_identical"]
    assert values["elsewhere"] <= values["noise_floor"]
    assert not (tmp_path / "cache").exists()


def test_the_row_with_the_cursor_where_it_was_stands_at_the_top():
    rows = (RestoreRow(20_000.0, 100.0, 2048, 2048, 2048, 1), RestoreRow(20_000.0, 900.0, 2050, 70, 2050, 70))
    values = RestoreReport(*rows, rows[0], COLD_OPEN, KV, max_tokens=8, n_threads=2).as_dict()
    assert (values["cold_ms"], values["warm_ms"]) == (20_000.0, 100.0)
    assert values["ratio"] == {"cold_over_warm": 200.0, "same": 200.0, "moved": 22.222, "tail": 200.0}
    assert values["rows"]["moved"]["cold_over_warm"] == 22.222
    assert values["elsewhere_within_noise_floor"]
    assert values["cold_open"]["ratio"] == 20.0


def test_a_file_just_opened_is_asked_in_at_three_places_by_fresh_servers(bundled_run, document, fake_peer):
    done = []
    found = asyncio.run(bench_cold_open(bundled_run, document, 512, fake_peer.program, lambda: done.append(1)))
    assert found.ttft_ms_most >= found.ttft_ms > 0
    assert found.tokens_evaluated > 30
    assert found.peer_tokens_evaluated == 253
    assert len(done) == n_answers(fake_peer.program) == 6
    alone = asyncio.run(bench_cold_open(bundled_run, document, 512, None, lambda: None))
    assert (alone.peer_ttft_ms, alone.as_dict()["ratio"], n_answers(None)) == (None, None, 3)


def test_a_file_that_is_too_short_is_an_error(bundled_run):
    document = Document("file:///a.py", "python", 1, Text.from_str("x = 1\ny = 2\n"))
    with pytest.raises(ClientError, match="too short for a prompt of 256 tokens"):
        asyncio.run(bench_restore(bundled_run, document))


def test_without_a_model_there_is_nothing_to_restore(scripted_run, document):
    with pytest.raises(ClientError, match="choose one"):
        asyncio.run(bench_restore(scripted_run, document))


def test_more_tokens_than_the_context_holds_are_an_error(bundled_run):
    async def ask():
        async with ChildProcess("pylot_ls.bench.restore_step", "the look", bundled_run) as child:
            assert child.greeting == {"n_ctx": 512}
            await child.ask(n_tokens=500)

    with pytest.raises(ClientError, match="the look ended: 500 tokens and 100 others do not fit a context of 512"):
        asyncio.run(ask())
