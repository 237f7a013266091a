"""A server that gets less memory than its model would take: by a setting, and by the system's limit of addresses.

And one whose model is too large where the bundled one is not: that is what it has to say.
"""

from __future__ import annotations

import os
import sys

import psutil
import pytest
from campaign import Campaign, Trial
from served import HANG_S, URI, Process, encoded, opening, place

from pylot_ls.bundled import bundled_model_path, sample_path

_SETTING = "PYLOT_LS_MODEL_MEMORY_LIMIT_MB"
_MIB = 2**20
# What is left for a model beyond what a server takes that has none yet: nothing, up to more than enough.
_MOST_LEFT_MIB = 1200
# The least that may be set is enough for the bundled model with a smaller context.
_LIMITS_MIB = (64, 80, 100, 200)
_LARGE_BYTES = 2**30
_OFFER = "pylot-ls models use pylot-tiny"
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


def one(trial: Trial, what: str, offer: str = "") -> bool:
    """Start a server and ask it, which has to say why it does not complete, and ``offer``; whether it completed."""
    process = Process(environment={"PYLOT_LS_COMPLETION_CONFIDENCE": "0", "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0"})
    try:
        process.initialize()
        found = ask(process)
        told = messages(process)
        if process.has_ended:
            trial.fault("crashes", f"{what}: {process.end()}")
            return False
        trial.check(found is not None, "unanswered", what)
        trial.check(bool(found) or bool(told), "no clear error", f"{what}: no suggestion, and nothing was said")
        if offer:
            offered = not found and any(offer in each for each in told)
            trial.check(offered, "no smaller one offered", f"{what}: {told}")
            trial.count("offered a smaller one", int(offered))
        trial.count("completed" if found else "refused with a reason")
        process.send(encoded(id="last", method="shutdown"))
        process.send(encoded(method="exit"))
        code, logged = process.end()
        trial.check(code == 0, "crashes", f"{what}: {code} {logged[-300:]}")
        return bool(found)
    finally:
        process.kill()
        trial.count("starts")


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("there is no limit of addresses")
    planted, bare = Process.prelude, bare_bytes()
    large = trial.folder / "large.gguf"
    large.write_bytes(bundled_model_path().read_bytes())
    os.truncate(large, _LARGE_BYTES)  # its last tensor reaches as far as the file does
    for number in trial.rounds():
        with pytest.MonkeyPatch.context() as patch:
            if number % 3 == 0:
                limit = trial.rng.choice(_LIMITS_MIB)
                patch.setenv(_SETTING, str(limit))
                made = one(trial, f"{limit} MB set")
                trial.check(made, "no smaller plan made", f"{limit} MB set")
            elif number % 3 == 1:
                left = trial.rng.randint(0, _MOST_LEFT_MIB)
                patch.setattr(Process, "prelude", f"{_LIMIT.format(bare + left * _MIB)}\n{planted}")
                one(trial, f"{left} MiB of addresses left")
            else:
                limit = trial.rng.choice(_LIMITS_MIB)
                patch.setenv(_SETTING, str(limit))
                patch.setenv("PYLOT_LS_MODEL_PATH", str(large))
                one(trial, f"{limit} MB set for a model of 1 GiB", _OFFER)


def plant(patch) -> None:
    """The user is not told why there is no model."""
    patch.setattr(Process, "prelude", _SILENT)


CAMPAIGN = Campaign(
    number=19,
    title="less memory than the model needs, by setting and by RLIMIT_AS",
    goal="clear error, no crash loop; smaller plan offered",
    unit="starts",
    short=3,
    full=60,
    run=run,
    plant=plant,
    faults=("crashes", "unanswered", "no clear error", "no smaller plan made", "no smaller one offered"),
)
