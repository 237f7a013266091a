"""Streams of JSON-RPC with something wrong in them, in this process and through a real one."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from campaign import Campaign, Trial
from served import HANG_S, URI, InProcess, Process, editing, encoded, opening, place

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.framing import Frame, FrameDecoder, encode_frame
from pylot_ls.lsp.lifecycle import State

if TYPE_CHECKING:
    import random

_SHARE_OF_PROCESSES = 20  # one of so many streams goes through a real process
_EXIT_CODES = (0, 1)
HOSTILE: tuple[Any, ...] = (None, -1, 2**31, 2**70, 1.5, "", "\0", "\ud800", [], {}, [[]] * 3, True, "x" * 3000)
REQUESTS = (
    "textDocument/inlineCompletion", "textDocument/completion", "textDocument/hover", "textDocument/codeAction",
    "workspace/executeCommand", "codeAction/resolve", "no/such", "$/ours", "initialize",
)  # fmt: skip
NOTIFICATIONS = ("textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", "$/cancelRequest")


def message(rng: random.Random, msg_id: object) -> dict[str, Any]:
    """A message as a client sends it, or nearly."""
    if rng.random() < 0.5:
        params: Any = rng.choice([
            place(rng.randrange(9), rng.randrange(99)),
            {"command": "pylot-ls.status", "arguments": []},
            {"textDocument": {"uri": URI}, "range": {}, "context": {}},
            None,
        ])  # fmt: skip
        made = {"jsonrpc": "2.0", "id": msg_id, "method": rng.choice(REQUESTS), "params": params}
    else:
        params = rng.choice([opening("def f():\n    "), editing(2, "x", (0, 3)), place(0, 0), {"id": msg_id}])
        made = {"jsonrpc": "2.0", "method": rng.choice(NOTIFICATIONS), "params": params}
    if rng.random() < 0.3:
        wound(rng, made)
    return made


def wound(rng: random.Random, value: Any) -> None:
    """Put something hostile in the place of one value, however deep, or leave it out."""
    while isinstance(value, dict | list) and value:
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        if not isinstance(value[key], dict | list) or rng.random() < 0.3:
            if isinstance(value, dict) and rng.random() < 0.3:
                del value[key]
            else:
                value[key] = rng.choice(HOSTILE)
            return
        value = value[key]


def framed(rng: random.Random, body: bytes) -> bytes:
    """The body in a frame, whose header may be wrong or odd."""
    length = len(body)
    odd = rng.choice([0] * 6 + [-length, -3, -1, 1, 17, 4000, 10**11])
    name = rng.choice([b"Content-Length"] * 6 + [b"content-length", b"CONTENT-LENGTH ", b"Content-Lenght"])
    end = rng.choice([b"\r\n\r\n"] * 8 + [b"\n\n", b"\r\n", b"\r\nContent-Type: x; charset=latin-1\r\n\r\n"])
    return name + b": %d" % (length + odd) + end + body


def stream(rng: random.Random, name: str) -> bytes:
    """Some messages, with their bytes damaged here and there."""
    bodies = [json.dumps(message(rng, f"{name}:{n}")).encode() for n in range(rng.randint(1, 5))]
    data = bytearray(b"".join(framed(rng, each) if rng.random() < 0.4 else encode_frame(each) for each in bodies))
    for _ in range(rng.choice([0, 0, 1, 1, 3])):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at:at] = rng.randbytes(rng.randint(1, 20))
            case 1:
                del data[at : at + rng.randint(1, 40)]
            case 2:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                data[at:at] = data[: rng.randint(1, 60)]
            case _:
                del data[at + 1 :]
    return bytes(data)


def requested(values: list[Any]) -> Counter[str]:
    """The requests among decoded values, by their id."""
    return Counter(
        each["id"]
        for each in values
        if isinstance(each, dict)
        and isinstance(each.get("method"), str)
        and isinstance(each.get("id"), str)
        and each.get("jsonrpc") == "2.0"
    )


async def in_process(trial: Trial, numbers: range) -> None:
    client: InProcess | None = None
    for number in numbers:
        if client is None or client.server.protocol.state is not State.RUNNING:
            if client is not None:
                await client.close()
            client = InProcess(ScriptedBackend("completed()"))
            await client.initialize()
        await one_in_process(trial, client, number)
    if client is not None:
        await client.close()


async def one_in_process(trial: Trial, client: InProcess, number: int) -> None:
    decoder, values = FrameDecoder(), []

    def take(events):
        for event in events:
            if isinstance(event, Frame):
                values.append(event.value)
                client.receive(event.value)
            else:
                client.server.protocol.handle_fault(event)

    data = whole = stream(trial.rng, f"s{number}")
    client.answers.clear()
    try:
        while data:
            n_bytes = trial.rng.randint(1, len(data))
            take(decoder.feed(data[:n_bytes]))
            data = data[n_bytes:]
        take(decoder.stalled())
        # The client goes on, and waits for an answer.
        take(decoder.feed(encoded(id="goes on", method="textDocument/hover", params=place(0, 0))))
        take(decoder.stalled())
        async with asyncio.timeout(HANG_S):
            while client.server.protocol._in_flight:
                await asyncio.wait(set(client.server.protocol._in_flight.values()))
    except TimeoutError:
        trial.fault("hangs", number)
    except Exception as error:  # noqa: BLE001 - whatever a stream raises is what is looked for
        trial.fault("crashes", f"stream {number}: {error!r}")
    trial.check(
        client.answers["goes on"] == 1, "lost", f"stream {number}: what follows is not answered once after {whole!r}"
    )
    wanted = requested(values)
    given = {msg_id: client.answers[msg_id] for msg_id in wanted}
    trial.check(given == wanted, "not answered once", f"stream {number}: {wanted} asked, {given} answered")
    trial.count("streams")


def through_processes(trial: Trial, numbers: range) -> None:
    process: Process | None = None
    slowest = 0.0
    for number in numbers:
        if process is None:
            process = Process("--scripted", environment={"PYLOT_LS_CACHE_ENABLED": "false"})
            process.initialize()
        process.messages.clear()
        data = stream(trial.rng, f"p{number}")
        process.send(data)
        process.send(encoded(id=f"goes on {number}", method="textDocument/hover", params=place(0, 0)))
        begun = time.perf_counter()
        answer = process.answer(f"goes on {number}")
        slowest = max(slowest, time.perf_counter() - begun)
        trial.count("through a process")
        trial.count("streams")
        if answer is None:
            if not process.has_ended:
                trial.fault("hangs", f"process, after {data!r}")
                process.kill()
            else:
                code, logged = process.end()
                trial.check(code in _EXIT_CODES, "crashes", f"process, stream {number}: {code} {logged[-300:]}")
            process = None
    if process is not None:
        process.send(encoded(id="last", method="shutdown"))
        process.send(encoded(method="exit"))
        code, logged = process.end()
        trial.check(code in _EXIT_CODES and "Traceback" not in logged, "crashes", logged[-500:])
    trial.figures["slowest resync s"] = slowest


def run(trial: Trial) -> None:
    n_processes = 0 if trial.is_planted else max(1, trial.size // _SHARE_OF_PROCESSES)
    asyncio.run(in_process(trial, range(trial.size - n_processes)))
    through_processes(trial, range(n_processes))


def plant(patch) -> None:
    """A message that is shorter than its header says is waited for, however long nothing comes."""
    patch.setattr(FrameDecoder, "stalled", lambda _decoder: [])


CAMPAIGN = Campaign(
    number=1,
    title="mutated JSON-RPC streams, one of 20 through a real process",
    goal="0 crashes, 0 hangs; every readable request answered once; resync or clean exit within 1 s",
    unit="streams",
    short=300,
    full=10_000,
    run=run,
    plant=plant,
    faults=("crashes", "hangs", "lost", "not answered once"),
    limits={"slowest resync s": 1.0},
)
