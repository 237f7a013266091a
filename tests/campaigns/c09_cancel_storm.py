"""A storm of requests, most of which are cancelled, and the request after it."""

from __future__ import annotations

import asyncio
import statistics
import time

from campaign import Campaign, Trial
from served import HANG_S, InProcess, editing, opening, place
from turns import turn

from pylot_ls.bundled import bundled_model_path, sample_path
from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig
from pylot_ls.lsp.protocol import PylotProtocol

_N_DOCUMENTS = 8
_N_AT_ONCE = 64
_N_AT_REST = 15


class Storm:
    """A client that asks about several documents at once."""

    def __init__(self, trial: Trial, client: InProcess) -> None:
        self.trial = trial
        self.client = client
        self.source = sample_path().read_text(encoding="utf-8")
        self.n_lines = self.source.count("\n")
        self.version = 1
        self.uris = [f"file:///project/{number}.py" for number in range(_N_DOCUMENTS)]
        for uri in self.uris:
            client.notify("textDocument/didOpen", opening(self.source, uri))

    def edit(self, uri: str) -> int:
        """Type something at a random place; the line."""
        self.version += 1
        line = self.trial.rng.randrange(self.n_lines)
        self.client.notify("textDocument/didChange", editing(self.version, "x", (line, 0), uri))
        return line

    def ask(self, uri: str) -> asyncio.Future:
        line = self.edit(uri)
        match self.trial.rng.randrange(4):
            case 0:
                return self.client.request("textDocument/hover", place(line, 1, uri))
            case 1:
                return self.client.request("textDocument/completion", place(line, 1, uri))
            case _:
                return self.client.ask(line, 1, uri)

    async def blow(self, n_requests: int) -> None:
        """Ask, cancel now, later or never, and wait for all answers."""
        rng, asked, to_cancel = self.trial.rng, [], []
        for _ in range(n_requests):
            asked.append(self.ask(rng.choice(self.uris)))
            to_cancel += [asked[-1]] if rng.random() < 0.9 else []
            while to_cancel and rng.random() < 0.7:
                self.cancel(to_cancel.pop(rng.randrange(len(to_cancel))))
            if rng.random() < 0.5:
                await turn()
        for each in to_cancel:
            self.cancel(each)
        done, pending = await asyncio.wait(asked, timeout=HANG_S)
        self.trial.count("requests", len(done) + len(pending))
        for each in asked:
            n_answers = self.client.answers[each.msg_id]
            self.trial.check(n_answers == 1, "not answered once", f"request {each.msg_id}: {n_answers} answers")

    def cancel(self, request: asyncio.Future) -> None:
        self.trial.count("cancels")
        self.client.notify("$/cancelRequest", {"id": request.msg_id})

    async def quiet_ms(self) -> float:
        """The median of requests that nobody disturbs, each somewhere else."""
        took = []
        for _ in range(_N_AT_REST):
            uri = self.trial.rng.choice(self.uris)
            line = self.edit(uri)
            begun = time.perf_counter()
            await self.client.ask(line, 1, uri)
            took.append((time.perf_counter() - begun) * 1e3)
            await self.client.settled()
        return statistics.median(took)


async def serve(trial: Trial) -> None:
    model = bundled_model_path()
    client = InProcess(LlamaBackend(LlamaConfig(model, manifest_folders=(model.parent,))))
    await client.initialize()
    storm = Storm(trial, client)
    await storm.quiet_ms()
    at_rest = await storm.quiet_ms()
    while trial.figures["cancels"] < trial.size and not trial.notes:
        await storm.blow(_N_AT_ONCE)
    line = storm.edit(storm.uris[0])
    begun = time.perf_counter()
    await client.ask(line, 1, storm.uris[0])
    trial.figures["next request ms"] = (time.perf_counter() - begun) * 1e3
    trial.figures["ms at rest"] = at_rest
    trial.figures["times at rest afterwards"] = await storm.quiet_ms() / at_rest
    await client.close()


def run(trial: Trial) -> None:
    trial.patch.setenv("PYLOT_LS_COMPLETION_ANSWER_AFTER_MS", "0")
    trial.patch.setenv("PYLOT_LS_COMPLETION_LOOK_AHEAD", "false")
    asyncio.run(serve(trial))


def plant(patch) -> None:
    """Who cancels is not answered any more."""
    finish = PylotProtocol._finish_request

    def silently(protocol, msg_id, method, task):
        if task.cancelled():
            del protocol._in_flight[msg_id]
        else:
            finish(protocol, msg_id, method, task)

    patch.setattr(PylotProtocol, "_finish_request", silently)
    patch.setattr("c09_cancel_storm.HANG_S", 2.0)


CAMPAIGN = Campaign(
    number=9,
    title="a storm of cancels over eight documents",
    goal="all answered once; the next requests as quick as at rest (1.5x)",
    unit="cancels",
    short=150,
    full=5_000,
    run=run,
    plant=plant,
    faults=("not answered once",),
    limits={"times at rest afterwards": 1.5},
)
