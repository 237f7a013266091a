"""The process of the models killed as native code ends it, at rest, in a prompt's evaluation and while it decodes."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

import httpx2
import pytest
from campaign import Campaign, Trial
from served import HANG_S
from shared import Editor, SharedServer, shared_server, shown

from pylot_ls.bundled import sample_path
from pylot_ls.errors import PylotError

_MOMENTS = ("at rest", "in a prefill", "while decoding")
_N_EDITORS = 3
# An evaluation of the long document takes longer, also on a fast machine.
_AT_MOST_S = 0.05
_MOST_PIECES = 40
_SOURCE = sample_path().read_text(encoding="utf-8")
_CODE = _SOURCE[: _SOURCE.index("in self.items\n") + len("in self")]
# The second end within ten minutes, and each further one, is followed by a pause, so that nothing crashes in a loop.
# Here the crashes lie far apart by the clock that counts them.
_FAR_APART = "from pylot_ls.engine import restarts; restarts._WINDOW_S = 0.0"
_SAID = ("the engine's process ended while it worked on this", "ask once more")
# As the process of the models does it.
_LOAD = """
import threading, time
from pylot_ls.config.settings import Settings
from pylot_ls.config.wiring import make_backends
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.types import Ready

begun, is_ready = time.perf_counter(), threading.Event()
backends, _ = make_backends(Settings())
backends[Role.COMPLETE].start(lambda event: is_ready.set() if isinstance(event, Ready) else None)
if not is_ready.wait(30):
    raise TimeoutError
print(time.perf_counter() - begun)
backends[Role.COMPLETE].close()
"""


@dataclass
class Scene:
    """The server, and who uses it.

    Attributes:
        first: what each editor was suggested before all crashes.
        back_s: how long after each crash there was a model again.
    """

    trial: Trial
    server: SharedServer
    url: str
    editors: list[Editor] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)
    number: int = 0

    async def begin(self) -> None:
        for number in range(_N_EDITORS):
            editor = Editor(self.server)
            await editor.join()
            await editor.initialize(hears_of_models=number == 0)
            self.editors.append(editor)
        self.first = [await self.ask(editor) for editor in self.editors]
        self.trial.check(all(self.first), "sessions lost", "nothing is suggested at all")

    async def ask(self, editor: Editor) -> str:
        """What is suggested in a document that is opened for it."""
        self.number += 1
        uri = f"file:///project/{self.number}.py"
        await editor.open(_CODE + "\n", uri)
        answer = await editor.suggestion(_CODE.count("\n"), len(_CODE) - _CODE.rfind("\n") - 1, uri)
        await editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        return shown(answer)

    async def pid(self) -> int:
        """Of the process of the models."""
        status = await asyncio.to_thread(self.server.status)
        return status["engine"]["pid"]

    def n_in_flight(self) -> int:
        return self.server.status()["models"][0]["counts"]["n_in_flight"]

    async def crash(self, pid: int, ended: signal.Signals, what: str) -> None:
        """Kill it, and see that it is back."""
        models = self.editors[0].models
        while not models.empty():  # what was said of the one before
            models.get_nowait()
        begun = time.perf_counter()
        os.kill(pid, ended)
        try:
            async with asyncio.timeout(HANG_S):
                while await models.get() != "ready":
                    pass
            self.trial.check(await self.pid() != pid, "never back", f"{what}: the process is the same")
        except TimeoutError:
            self.trial.fault("never back", what)
        self.back_s.append(time.perf_counter() - begun)

    def judge(self, error: str, ended: signal.Signals, what: str) -> None:
        """A request's error says what happened, and what to do."""
        self.trial.count("requests in flight")
        # The dump that faulthandler makes first may itself fail, where it reads the stacks of threads that run.
        named = ended.name in error or signal.SIGSEGV.name in error
        clear = named and all(each in error for each in _SAID)
        self.trial.check(clear, "no clear error", f"{what}: {error!r}")

    async def in_prefill(self, pid: int, ended: signal.Signals, what: str) -> None:
        editor = self.trial.rng.choice(self.editors)
        uri = f"file:///project/long{self.number}.py"
        await editor.open(f"# {self.trial.rng.random()}\n" + _SOURCE * 8, uri)
        asking = asyncio.ensure_future(editor.suggestion(_SOURCE.count("\n") * 6, 0, uri))
        while not await asyncio.to_thread(self.n_in_flight):
            pass
        await asyncio.wait([asking], timeout=self.trial.rng.uniform(0, _AT_MOST_S))
        was_in_flight = not asking.done()
        await self.crash(pid, ended, what)
        answer = await asking
        await editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        if was_in_flight:
            # Editors show an error for each request that gets one, so a message says it, once for the same one.
            self.judge("\n".join(editor.messages), ended, what)
            self.trial.check(answer.get("result", "") is None, "no clear error", f"{what}: {answer}")

    async def in_decoding(self, pid: int, ended: signal.Signals, what: str) -> None:
        n_pieces, left = 0, self.trial.rng.randint(1, _MOST_PIECES)
        crashing: asyncio.Future[None] | None = None
        body = {"prompt": _CODE, "max_tokens": 1000, "stream": True, "ignore_eos": True, "cache_prompt": False}
        said = ""
        async with (
            httpx2.AsyncClient(base_url=self.url, timeout=HANG_S) as client,
            client.stream("POST", "/v1/completions", json=body) as answer,
        ):
            async for line in answer.aiter_lines():
                n_pieces += line.startswith("data: ")
                if crashing is None and n_pieces >= left:
                    crashing = asyncio.ensure_future(self.crash(pid, ended, what))
                said = line if "error" in line else said
        if crashing is None:
            self.trial.fault("never decoding", f"{what}: {n_pieces} pieces, {said}")
            return
        await crashing
        self.judge(said, ended, what)

    async def one(self, number: int) -> None:
        moment = _MOMENTS[number % len(_MOMENTS)]
        signals = (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL)
        ended = signals[(number + number // len(_MOMENTS)) % len(signals)]
        what = f"{number} {ended.name} {moment}"
        pid = await self.pid()
        match moment:
            case "at rest":
                await self.crash(pid, ended, what)
            case "in a prefill":
                await self.in_prefill(pid, ended, what)
            case _:
                await self.in_decoding(pid, ended, what)
        again = [await self.ask(editor) for editor in self.editors]
        self.trial.check(again == self.first, "sessions lost", f"{what}: {again} instead of {self.first}")
        self.trial.check(not any(each.is_gone for each in self.editors), "sessions lost", f"{what}: a connection ended")
        self.trial.count("crashes")


def load_s() -> float:
    """How long the model takes to load in a process that has just been started, once our own modules are imported."""
    took = [
        subprocess.run((sys.executable, "-c", _LOAD), capture_output=True, check=True, timeout=HANG_S).stdout
        for _ in range(3)
    ]
    return statistics.median(map(float, took))


async def serve(trial: Trial, server: SharedServer) -> None:
    status = await asyncio.to_thread(server.status)
    scene = Scene(trial, server, status["url"])
    await scene.begin()
    for number in trial.rounds():
        try:
            await scene.one(number)
        except (TimeoutError, ConnectionError, PylotError, httpx2.HTTPError) as error:
            trial.fault("unanswered", f"{number}: {error!r}")
            break
    for editor in scene.editors:
        editor.kill()
    after = await asyncio.to_thread(server.status)
    trial.check(after["pid"] == server.popen.pid, "sessions lost", "the server itself ended")
    load = await asyncio.to_thread(load_s)
    trial.figures["load s"] = load
    trial.figures["median back s"] = statistics.median(scene.back_s)
    trial.figures["slowest back s"] = max(scene.back_s)
    trial.figures["slowest beyond the load s"] = max(scene.back_s) - load


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("no signals there")
    with shared_server(trial.folder, "--port", "0", "--no-keys", prelude=_FAR_APART) as server:
        asyncio.run(serve(trial, server))


def plant(patch) -> None:
    """A request whose process is gone is told to have ended well."""
    fault = (
        "from pylot_ls.engine import remote as r;"
        "r.Failed = lambda request_id, *_: r.Finished(request_id, r.FinishReason.END, '', r.Usage())"
    )
    patch.setattr(SharedServer, "planted", fault)


CAMPAIGN = Campaign(
    number=20,
    title="native crash of the engine process under `serve`: SIGSEGV, SIGABRT, SIGKILL at rest, in a prefill, decoding",
    goal="back within 1 s plus the model's load, sessions kept, a clear error for requests in flight",
    unit="crashes",
    short=3,
    full=90,
    run=run,
    plant=plant,
    faults=("sessions lost", "no clear error", "unanswered", "never back", "never decoding"),
    limits={"slowest beyond the load s": 1.0},
)
