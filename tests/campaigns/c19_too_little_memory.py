"""A server that gets less memory than its model would take: by a setting, and by the system's limit of addresses."""

from __future__ import annotations

import sys

import psutil
import pytest
from campaign import Campaign, Trial
from served import HANG_S, URI, Process, encoded, opening, place

from pylot_ls.bundled import sample_path

_SETTING = "PYLOT_LS_MODEL_MEMORY_LIMIT_MB"
_MIB = 2**20
# What is left for a model beyond what a server takes that has none yet: nothing, up to more than enough.
_MOST_LEFT_MIB = 1200
_SILENT = "from pylot_ls.lsp.notices import Notices; Notices.error = lambda *_: None"
_LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_AS, ({0}, {0}))"


def messages(process: Process) -> list[str]:
    return [each["params"]["message"] for each in process.messages if each.get("method") == "window/showMessage"]


def ask(process: Process) -> bool | None:
    """Whether there is a suggestion; None where there is no answer."""
    text = sample_path().read_text(encoding="utf-8")
    begun = text[: text.index("in self.items\n") + len("in self")]
    process.send(encoded(method="textDocument/didOpen", params=opening(f"{begun}\n")))
    where = place(begun.count("\n"), len(begun) - begun.rfind("\n") - 1, URI)
    asked = {**where, "context": {"triggerKind": 2}}
    process.send(encoded(id="ask", method="textDocument/inlineCompletion", params=asked))
    answer = process.answer("ask", HANG_S)
    if answer is None or "error" in answer:
        return None
    result = answer["result"]
    return bool(result and result["items"])


def bare_bytes() -> int:
    """The addresses that a server takes before its model is there."""
    process = Process("--scripted")
    try:
        process.initialize()
        return int(psutil.Process(process.popen.pid).memory_info().vms)
    finally:
        process.kill()


def one(trial: Trial, what: str) -> None:
    process = Process(environment={"PYLOT_LS_COMPLETION_CONFIDENCE": "0", "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0"})
    try:
        process.initialize()
        found = ask(process)
        told = messages(process)
        if process.has_ended:
            trial.fault("crashes", f"{what}: {process.end()}")
            return
        trial.check(found is not None, "unanswered", what)
        trial.check(bool(found) or bool(told), "no clear error", f"{what}: no suggestion, and nothing was said")
        trial.count("completed" if found else "refused with a reason")
        process.send(encoded(id="last", method="shutdown"))
        process.send(encoded(method="exit"))
        code, logged = process.end()
        trial.check(code == 0, "crashes", f"{what}: {code} {logged[-300:]}")
    finally:
        process.kill()
        trial.count("starts")


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("there is no limit of addresses")
    planted, bare = Process.prelude, bare_bytes()
    for number in range(trial.size):
        with pytest.MonkeyPatch.context() as patch:
            if number % 2:
                left = trial.rng.randint(0, _MOST_LEFT_MIB)
                patch.setattr(Process, "prelude", f"{_LIMIT.format(bare + left * _MIB)}\n{planted}")
                one(trial, f"{left} MiB of addresses left")
            else:
                limit = trial.rng.choice([1, 5, 20, 60, 100, 200])
                patch.setenv(_SETTING, str(limit))
                one(trial, f"{limit} MB set")


def plant(patch) -> None:
    """The user is not told why there is no model."""
    patch.setattr(Process, "prelude", _SILENT)


CAMPAIGN = Campaign(
    number=19,
    title="less memory than the model needs, by setting and by RLIMIT_AS",
    goal="clear error, no crash loop; smaller plan offered",
    unit="starts",
    short=2,
    full=60,
    run=run,
    plant=plant,
    faults=("crashes", "unanswered", "no clear error"),
)
