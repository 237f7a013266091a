"""Typing beside background work is compared with typing in quiet."""

from __future__ import annotations

import asyncio
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from pylot_ls.bench import reanchor
from pylot_ls.bench.reanchor import ReanchorReport, Typed, bench_reanchor
from pylot_ls.bench.run import Run
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


class SlowEditor:
    """Stands in for an editor whose server evaluates the long prompt while 14 keystrokes are asked, 100 tokens each."""

    N_PROMPT, PER_KEYSTROKE = 1400, 100

    def __init__(self, _command, _environment):
        self.n_edits, self.n_background, self.opened = 0, 0, []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_exc):
        pass

    async def loaded(self):
        pass

    def open(self, uri, _language_id, _text):
        self.opened.append(uri)

    def edit(self, *_where):
        self.n_edits += 1

    async def type(self, _start, _end, _text, _cursor, uri):
        assert uri == self.opened[0]
        is_busy = len(self.opened) > 1 and self.n_background < self.N_PROMPT
        self.n_background += self.PER_KEYSTROKE if is_busy else 0
        return Answer("x", 20, first_token_ms=15 if is_busy else 10, background_tokens=self.n_background)

    async def ask(self, _cursor, uri):
        if uri == self.opened[0]:
            return Answer("x", 10, first_token_ms=10)
        if self.n_background < self.N_PROMPT:
            self.n_background += self.PER_KEYSTROKE if self.n_edits else 0
            return Answer("x", 10, first_token_ms=10, fallback=3, background_tokens=self.n_background)
        return Answer("x", 10, first_token_ms=10, tokens_reused=self.N_PROMPT - 1, tokens_evaluated=1)


def bench_slow(document, n_keystrokes, monkeypatch):
    slept = []

    async def record(seconds):
        slept.append(seconds)

    monkeypatch.setattr(reanchor, "EditorClient", SlowEditor)
    monkeypatch.setattr(asyncio, "sleep", record)
    run = Run(command=(), model=Path("slow.gguf"), max_tokens=8, n_ctx=512, n_threads=1)
    report = asyncio.run(bench_reanchor(run, document, n_keystrokes))
    return report, slept


@pytest.fixture
def argparse_document():
    return document_from_file(Path(sysconfig.get_path("stdlib")) / "argparse.py")


def test_a_prompt_may_take_longer_than_the_typing(argparse_document, monkeypatch):
    report, slept = bench_slow(argparse_document, 16, monkeypatch)
    assert (report.quiet.keystrokes, report.busy.keystrokes) == (8, 8)
    assert (report.quiet.ttft_ms_p50, report.busy.ttft_ms_p50) == (10, 15)
    assert (report.quiet.background_tokens, report.busy.background_tokens) == (0, 700)
    assert (report.prompt_tokens, report.finished_while_typing) == (1400, False)
    # It was asked for again until all of it was there.
    assert slept[16:] == [reanchor._POLL_S] * 7


def test_a_prompt_may_be_done_before_the_typing_is(argparse_document, monkeypatch):
    report, slept = bench_slow(argparse_document, 40, monkeypatch)
    assert (report.busy.keystrokes, report.finished_while_typing) == (20, True)
    assert len(slept) == 40


def test_a_model_that_is_never_busy_is_an_error(bundled_run, argparse_document):
    # What is scripted is evaluated in no time.
    run = replace(bundled_run, command=(*bundled_run.command, "--scripted"))
    with pytest.raises(ClientError, match="choose a larger one"):
        asyncio.run(bench_reanchor(run, argparse_document, 4))


def test_without_a_model_there_is_nothing_to_measure(scripted_run, document):
    with pytest.raises(ClientError, match="choose one"):
        asyncio.run(bench_reanchor(scripted_run, document, 4))
