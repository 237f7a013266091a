"""A model's file that changes under the server that serves it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
from campaign import Campaign, Trial
from served import Process, encoded, opening, place

from pylot_ls.bundled import bundled_model_path, sample_path

if TYPE_CHECKING:
    import random
    from pathlib import Path

_HURRY = "from pylot_ls.engine import file_watch; file_watch._INTERVAL_S = 0.2"
_BLIND = (
    "from pylot_ls.engine.file_watch import FileWatch\nasync def look(*_): pass\nFileWatch.look = look\n"
    "from pylot_ls.engine.mapped_file import MappedFile\nMappedFile._copy = lambda _: None"
)
# As where a file system knows no leases, or another system.
_READ = "from pylot_ls.engine.mapped_file import MappedFile; MappedFile.open = lambda _: None"
_NOTICE_S = 20.0  # of a watch that looks every 0.2 s, and has the file looked at by a child
_N_QUESTIONS = 4
_ENVIRONMENT = {
    "PYLOT_LS_COMPLETION_CONFIDENCE": "0",
    "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0",
    "PYLOT_LS_COMPLETION_ANSWER_AFTER_MS": "0",
    "PYLOT_LS_COMPLETION_LOOK_AHEAD": "false",
    "PYLOT_LS_CACHE_ENABLED": "false",
    "PYLOT_LS_MODEL_NGRAMS": "off",  # what the other documents say would hide what the model says
}


def renamed(model: Path, _rng: random.Random) -> None:
    model.rename(model.with_suffix(".moved"))


def removed(model: Path, _rng: random.Random) -> None:
    model.unlink()


def replaced_by_nonsense(model: Path, _rng: random.Random) -> None:
    other = model.with_suffix(".other")
    other.write_bytes(b"no model at all, but as long as a header has to be")
    other.replace(model)


def overwritten(model: Path, rng: random.Random) -> None:
    """Its weights are exchanged for noise, in place."""
    size = model.stat().st_size
    with model.open("r+b") as file:
        file.seek(size // 10)
        file.write(rng.randbytes(size - size // 10))


def cut_short(model: Path, rng: random.Random) -> None:
    with model.open("r+b") as file:
        file.truncate(rng.randrange(model.stat().st_size // 2))


WAYS = (cut_short, renamed, overwritten, removed, replaced_by_nonsense)
# Those of which the user is to hear; of the others it is not known whether another file is about to come.
TOLD = (cut_short, overwritten, replaced_by_nonsense)


class Editor:
    """Asks a server one question after the other, each in a document that it has not seen."""

    def __init__(self, model: Path) -> None:
        self.process = Process(environment={**_ENVIRONMENT, "PYLOT_LS_MODEL_PATH": str(model)})
        self.process.initialize()

    def ask(self, number: int) -> object:
        """The suggestion in a document of that number; None where the server has ended."""
        source = sample_path().read_text(encoding="utf-8")
        begun = f"# number {number}\n" + source[: source.index("in self.items\n") + len("in self")]
        line, column = begun.count("\n"), len(begun) - begun.rfind("\n") - 1
        uri = f"file:///project/number_{number}.py"
        self.process.send(encoded(method="textDocument/didOpen", params=opening(f"{begun}\n", uri)))
        params = {**place(line, column, uri), "context": {"triggerKind": 2}}
        self.process.send(encoded(id=f"q{number}", method="textDocument/inlineCompletion", params=params))
        answer = self.process.answer(f"q{number}")
        if answer is None:
            return None
        result = answer.get("result")
        return [each["insertText"] for each in result["items"]] if result else []

    def is_told(self) -> bool:
        """Whether the user has been told something, or is within the time for it."""
        until = time.monotonic() + _NOTICE_S
        while not self._messages() and time.monotonic() < until:
            self.process.read(0.1)
        return self._messages()

    def _messages(self) -> bool:
        return any(each.get("method") == "window/showMessage" for each in self.process.messages)


def expected(trial: Trial) -> list[object]:
    """The answers of a server whose file nobody touches."""
    model = trial.folder / "untouched.gguf"
    model.write_bytes(bundled_model_path().read_bytes())
    editor = Editor(model)
    try:
        return [editor.ask(number) for number in range(_N_QUESTIONS + 1)]
    finally:
        editor.process.kill()


def one(trial: Trial, number: int, wanted: list[object]) -> None:
    """Change the file of a server, which has mapped it or, each second time, read it."""
    way = WAYS[number % len(WAYS)]
    model = trial.folder / f"{number}.gguf"
    model.write_bytes(bundled_model_path().read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        if number % 2:
            patch.setattr(Process, "prelude", f"{_READ}\n{Process.prelude}")
        editor = Editor(model)
    process = editor.process
    try:
        trial.check(editor.ask(0) == wanted[0], "other answers before", way.__name__)
        way(model, trial.rng)
        for question in range(1, _N_QUESTIONS):
            given = editor.ask(question)
            if given is None:
                process.popen.wait()
                trial.fault("crashes", f"{way.__name__}: exit code {process.popen.returncode}")
                return
            if given != wanted[question]:
                trial.count("changed answers")
                trial.check(editor.is_told(), "changed answers unnoticed", f"{way.__name__}: {given}")
                return
        if way in TOLD:
            trial.check(editor.is_told(), "changes not told", way.__name__)
        given = editor.ask(_N_QUESTIONS)
        # A model of noise may be loaded, once that was told.
        trial.check(way is overwritten or given == wanted[-1], "other answers at last", f"{way.__name__}: {given}")
    finally:
        process.kill()
        trial.count("changes")


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("a mapped file cannot be changed there")
    trial.patch.setattr(Process, "prelude", f"{_HURRY}\n{Process.prelude}")
    wanted = expected(trial)
    for number in trial.rounds():
        one(trial, number, wanted)


def plant(patch) -> None:
    """Nobody looks at the file, and who wants to change it may at once."""
    patch.setattr(Process, "prelude", _BLIND)


CAMPAIGN = Campaign(
    number=15,
    title="model file renamed, removed, replaced, overwritten, cut short while serving",
    goal="0 crashes, 0 changed answers unnoticed",
    unit="changes",
    short=len(WAYS) + 1,  # cut short both where it is mapped and where it is read
    full=100,
    run=run,
    plant=plant,
    faults=(
        "crashes",
        "changed answers unnoticed",
        "changes not told",
        "other answers before",
        "other answers at last",
    ),
)
