"""Servers whose client goes, or that are told to end, in the middle of a prompt's evaluation."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from campaign import Campaign, Trial
from served import URI, Process, encoded, opening, place

from pylot_ls.bundled import sample_path

_UNCLEAN = 1
# How it ends, and its exit code then.
_WAYS = {
    "client killed": _UNCLEAN,
    "stdin closed": _UNCLEAN,
    "SIGTERM": 128 + signal.SIGTERM,
    "parent gone": _UNCLEAN,
}
_OTHER = "file:///project/other.py"
_ENVIRONMENT = {"PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0", "PYLOT_LS_COMPLETION_ANSWER_AFTER_MS": "0"}
# An evaluation takes longer, also on a fast machine.
_AT_MOST_S = 0.05


def ask(process: Process, msg_id: str, uri: str, line: int) -> None:
    params = {**place(line, 0, uri), "context": {"triggerKind": 2}}
    process.send(encoded(id=msg_id, method="textDocument/inlineCompletion", params=params))


def end(process: Process, parent: subprocess.Popen[bytes], way: str) -> None:
    match way:
        case "client killed":  # the kernel closes all that a killed process had open
            process.popen.stdin.close()
            process.popen.stdout.close()
        case "stdin closed":
            process.popen.stdin.close()
        case "SIGTERM":
            process.popen.send_signal(signal.SIGTERM)
        case _:
            parent.kill()
            parent.wait()


def one(trial: Trial, way: str) -> float:
    """Let a server end; how long it takes, in seconds."""
    source = sample_path().read_text(encoding="utf-8")
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as parent:
        process = Process(environment=_ENVIRONMENT)
        try:
            process.initialize(processId=parent.pid)
            process.send(encoded(method="textDocument/didOpen", params=opening("x = 1\n")))
            ask(process, "model is there", URI, 0)
            trial.check(process.answer("model is there") is not None, "unanswered", way)
            process.send(encoded(method="textDocument/didOpen", params=opening(source * 8, _OTHER)))
            ask(process, "long", _OTHER, source.count("\n") * 6)
            process.read(trial.rng.uniform(0, _AT_MOST_S))
            trial.count("in the middle", int(not any(each.get("id") == "long" for each in process.messages)))
            begun = time.perf_counter()
            end(process, parent, way)
            code = process.popen.wait(60)
            took = time.perf_counter() - begun
            trial.check(code == _WAYS[way], "wrong exit codes", f"{way}: {code}")
        except subprocess.TimeoutExpired:
            trial.fault("never out", way)
            took = float("inf")
        finally:
            process.kill()
            parent.kill()
    trial.count("ends")
    return took


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no SIGTERM")
    ways = list(_WAYS)
    trial.figures["slowest s"] = max(one(trial, ways[number % len(ways)]) for number in trial.rounds())


def plant(patch) -> None:
    """A server that was told to end says that all is well."""
    patch.setattr(Process, "prelude", "from pylot_ls.lsp import stdio; stdio._SIGNAL_EXIT_CODE = 0")


CAMPAIGN = Campaign(
    number=12,
    title="client killed, stdin closed, SIGTERM, parent gone, each mid-prefill",
    goal="out within 2 s, exit code right",
    unit="ends",
    short=4,
    full=400,
    run=run,
    plant=plant,
    faults=("wrong exit codes", "never out", "unanswered"),
    limits={"slowest s": 2.0},
)
