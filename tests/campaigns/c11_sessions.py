"""Many editors on one shared server, each with names of its own, half of them killed at random moments."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import pytest
from campaign import Campaign, Trial
from served import encoded
from shared import Editor, SharedServer, shared_server, shown

_AT_ONCE = 64
_ROUNDS = 4
_HEAD = '"""Totals of an account."""\n\nfrom pathlib import Path\n\n\n'
_ASKED = "print(canary_"
# What is known of documents decides what is suggested, and there are more places than a context as small as this holds.
_ENVIRONMENT = {"PYLOT_LS_MODEL_N_CTX": "512", "PYLOT_LS_MODEL_N_THREADS": "1", "PYLOT_LS_MODEL_NGRAMS": "on"}
# About as long as a request takes while all the others ask.
_AT_MOST_S = 1.0


@dataclass
class Session:
    """An editor whose documents say its own name again and again.

    Attributes:
        name: which no other session has, and whose bytes are looked for; "" for one whose documents have none.
    """

    trial: Trial
    editor: Editor
    name: str
    n_rounds: int = 0

    def text(self) -> str:
        """All begin alike, so that their KV is shared."""
        name = f"canary_{self.name}_total"
        return _HEAD + (f"{name} = 0\n{name} = {name} + 1\n" * 6 if self.name else "") + _ASKED

    async def begin(self) -> None:
        await self.editor.join()
        await self.editor.initialize()

    async def ask(self) -> str:
        """Open a document, have it completed, and close it; what is suggested."""
        self.n_rounds += 1
        uri, text = f"file:///{self.name or 'stranger'}/{self.n_rounds}.py", self.text()
        await self.editor.open(text + "\n", uri)
        answer = await self.editor.suggestion(text.count("\n"), len(_ASKED), uri)
        await self.editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        self.trial.count("requests")
        self.trial.check("error" not in answer, "disturbed", answer.get("error"))
        return shown(answer)

    async def stay(self) -> None:
        """Ask on; what comes is always what its own documents say."""
        try:
            for _ in range(_ROUNDS):
                text = await self.ask()
                self.trial.check(text.startswith(self.name), "disturbed", f"{self.name} was suggested {text!r}")
        except (TimeoutError, ConnectionError) as error:
            self.trial.fault("disturbed", f"{self.name}: {error!r}")

    async def die(self) -> None:
        """Ask on, and be killed at a random moment, perhaps within a message."""
        rng = self.trial.rng
        asking = asyncio.ensure_future(self._ask_for_ever())
        # It asks for ever: this ends at a random moment, or with what is wrong.
        await asyncio.wait([asking], timeout=rng.uniform(0, _AT_MOST_S))
        if rng.random() < 0.3:
            whole = encoded(method="textDocument/didOpen", params={"textDocument": {"text": self.text() * 9}})
            await self.editor.send(whole[: rng.randrange(1, len(whole))])
        asking.cancel()
        self.editor.kill()
        await asyncio.gather(asking, return_exceptions=True)
        self.trial.count("killed")

    async def _ask_for_ever(self) -> None:
        while True:
            await self.ask()


async def wave(trial: Trial, server: SharedServer, names: list[str]) -> list[Session]:
    """So many sessions at once; half of them die, the others see nothing of it and leave."""
    sessions = [Session(trial, Editor(server), name) for name in names]
    await asyncio.gather(*(each.begin() for each in sessions))
    first = await asyncio.gather(*(each.ask() for each in sessions))
    for session, text in zip(sessions, first, strict=True):
        trial.check(text.startswith(session.name), "disturbed", f"{session.name} was first suggested {text!r}")
    dying = set(trial.rng.sample(range(len(sessions)), len(sessions) // 2))
    await asyncio.gather(*(each.die() if n in dying else each.stay() for n, each in enumerate(sessions)))
    # Whose documents have no such names is not told those of the dead either.
    stranger = Session(trial, Editor(server), "")
    await stranger.begin()
    await stranger.ask()
    staying = [stranger, *(each for n, each in enumerate(sessions) if n not in dying)]
    for each in staying:
        trial.check(not each.editor.is_gone, "disturbed", f"{each.name}: the connection was closed")
        twice = [msg_id for msg_id, answers in each.editor.answers.items() if len(answers) != 1]
        trial.check(not twice, "disturbed", f"{each.name}: requests {twice} were not answered once")
        each.editor.kill()
    trial.count("sessions", len(sessions))
    return [*sessions, stranger]


def look_through(trial: Trial, sessions: list[Session], names: list[str]) -> None:
    """Look for the names of all others in all bytes that a session received."""
    for session in sessions:
        received = bytes(session.editor.received)
        trial.count("bytes looked through", len(received))
        foreign = [name for name in names if name != session.name and name.encode() in received]
        trial.check(not foreign, "delivered to another", f"{session.name or 'a stranger'} got {foreign}")


async def serve(trial: Trial, server: SharedServer) -> None:
    n_left = trial.size
    names: list[str] = []
    sessions: list[Session] = []
    while n_left > 0:
        own = [f"{number:06x}" for number in trial.rng.sample(range(0x100000, 0x1000000), min(_AT_ONCE, n_left))]
        n_left -= len(own)
        names += own
        sessions += await wave(trial, server, own)
    look_through(trial, sessions, names)
    status = await asyncio.to_thread(server.status)
    trial.check(status["engine"]["n_ends"] == 0, "disturbed", "the process of the models ended")


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("the shared server's socket is one of POSIX here")
    with shared_server(trial.folder, environment=_ENVIRONMENT) as server:
        asyncio.run(serve(trial, server))


# Each two sessions that come one after the other get each other's answers.
_FAULT = """
from dataclasses import replace
from pylot_ls.engine.shared_backend import Finished, SharedBackend, Token

receive_rightly = SharedBackend._receive

def receive(self, event):
    if isinstance(event, Token | Finished):
        name, _, number = event.request_id.partition("/")
        other = f"editor-{int(name.removeprefix('editor-')) ^ 1}"
        if other in self._sessions:
            event = replace(event, request_id=f"{other}/{number}")
    receive_rightly(self, event)

SharedBackend._receive = receive
"""


def plant(patch) -> None:
    """Who asked is mistaken, as where requests are told apart by their numbers."""
    patch.setattr(SharedServer, "planted", _FAULT)


CAMPAIGN = Campaign(
    number=11,
    title="sessions on one shared server, 64 at once (short form: 8), half of them killed at random moments",
    goal="no byte delivered to another; none disturbed",
    unit="sessions",
    short=8,
    full=640,
    run=run,
    plant=plant,
    faults=("delivered to another", "disturbed"),
)
