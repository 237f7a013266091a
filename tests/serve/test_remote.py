"""Models in a process of their own: what native code does to it ends requests, and neither sessions nor the server."""

from __future__ import annotations

import os
import queue
import signal
import sys
from pathlib import Path

import pytest

from pylot_ls.config.settings import Settings
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.remote import RemoteBackend, RemoteProcess
from pylot_ls.engine.restarts import Restarts
from pylot_ls.engine.types import (
    Failed,
    Finished,
    FinishReason,
    GenerateRequest,
    KnownText,
    LoadFailed,
    Loading,
    Ready,
    Token,
)

CHILD = Path(__file__).parent.parent / "support" / "remote_child.py"


class Ear:
    """Hears a backend."""

    def __init__(self, backend):
        self.backend, self.events = backend, queue.Queue()

    def until(self, kind, request_id=None):
        heard = []
        while not heard or not isinstance(heard[-1], kind) or getattr(heard[-1], "request_id", None) != request_id:
            heard.append(self.events.get(timeout=120))
        return heard

    def ask(self, request_id, text):
        self.backend.submit(GenerateRequest(request_id, (TextSegment(text),), 100))


@pytest.fixture
def learnt(tmp_path):
    return tmp_path / "learnt"


@pytest.fixture
def run(learnt):
    """Start a process with a backend: the process and who hears it."""
    started = []

    def start(*options, restarts=None):
        command = (sys.executable, str(CHILD), str(learnt), *options)
        process = RemoteProcess(command, (Settings().model_dump_json(),), restarts=restarts)
        ear = Ear(process.backend())
        started.append(ear)
        ear.backend.start(ear.events.put)
        return process, ear

    yield start
    for ear in started:
        ear.backend.close()


def text_of(events):
    return "".join(event.text for event in events if isinstance(event, Token | Finished))


def test_a_request_that_is_submitted_before_the_process_is_there_is_served(run):
    process, ear = run()
    ear.ask("1", "a")
    heard = ear.until(Finished, "1")
    assert [type(event) for event in heard[:2]] == [Loading, Loading]
    assert sum(isinstance(event, Ready) for event in heard) == 1
    assert text_of(heard) == "heard a"
    assert process.pid
    assert ear.backend.is_loaded


def test_a_request_that_is_submitted_while_the_process_begins_is_served(run, monkeypatch):
    begin_again = RemoteBackend.begin_again

    def late(backend, outbox):
        backend.submit(GenerateRequest("1", (TextSegment("a"),), 100))
        begin_again(backend, outbox)

    monkeypatch.setattr(RemoteBackend, "begin_again", late)
    _, ear = run()
    assert text_of(ear.until(Finished, "1")) == "heard a"


def test_a_request_can_be_cancelled(run, monkeypatch):
    monkeypatch.setattr("pylot_ls.engine.remote._CLOSE_S", 0.1)  # its script waits for ever
    _, ear = run()
    ear.until(Ready)
    ear.ask("1", "wait")
    ear.backend.cancel("unknown")
    ear.ask("2", "b")
    ear.backend.cancel("2")
    ear.backend.close()
    assert ear.until(Finished, "1")[-1].reason is FinishReason.CANCELLED
    ear.ask("3", "c")
    assert ear.until(Failed, "3")[-1].kind == "EngineClosedError"


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_process_that_is_ended_fails_its_requests_and_is_started_again(run, learnt, number):
    process, ear = run()
    ear.until(Ready)
    before = process.pid
    ear.backend.learn(KnownText("s", "file:///a", "known"))
    ear.backend.learn(KnownText("s", "file:///b", "closed"))
    ear.backend.learn(KnownText("s", "file:///b", None))
    ear.ask("1", "wait")
    os.kill(before, number)
    failure = ear.until(Failed, "1")[-1]
    assert number.name in failure.message
    assert "it is started again, ask once more" in failure.message
    heard = ear.until(Ready)
    assert isinstance(heard[0], Loading)
    assert process.pid not in {0, before}
    ear.ask("2", "again")
    assert text_of(ear.until(Finished, "2")) == "heard again"
    again = [line.split(" ", 1)[1] for line in learnt.read_text().splitlines() if not line.startswith(f"{before} ")]
    assert again == ["s file:///a known"]


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_native_code_that_ends_the_process_is_noticed(run):
    _, ear = run()
    ear.ask("1", "crash")
    assert "SIGSEGV" in ear.until(Failed, "1")[-1].message
    ear.ask("2", "a")
    assert text_of(ear.until(Finished, "2")) == "heard a"


class Patient(Restarts):
    """Never starts it again within a test, from the second time on."""

    def ended(self):
        return 1e6 if super().ended() else 0.0


def test_a_process_that_goes_on_ending_is_left_alone_for_a_while_and_requests_say_so(run):
    process, ear = run("end at once", restarts=Patient())
    ear.ask("1", "a")
    failed = ear.until(LoadFailed)[-1]
    assert "ended 2 times in a short time (last: exit code 7)" in failed.message
    assert process.n_recent_ends == 2
    ear.ask("2", "b")
    assert ear.until(Failed, "2")[-1].message == failed.message
    ear.backend.reload()
    assert ear.until(LoadFailed)[-1] == failed, "who asks again is not kept waiting"
    ear.backend.close()
    assert process.pid == 0


def test_a_program_that_does_not_exist_says_so():
    process = RemoteProcess(("pylot-ls-that-is-not-installed",), (), restarts=Patient())
    ear = Ear(process.backend())
    ear.backend.start(ear.events.put)
    assert "cannot be started" in ear.until(LoadFailed)[-1].message
    ear.backend.close()


def test_what_is_printed_by_others_is_no_message(run, capfd):
    _, ear = run()
    ear.ask("1", "a")
    ear.until(Finished, "1")
    ear.backend.close()
    assert "a stray print" in capfd.readouterr().err
