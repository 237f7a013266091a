"""``bench sessions --at-once``: several editors that type at the same time, and plain completions beside each other."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.figures import percentile, ratio
from pylot_ls.bench.http_side import ask, ask_streamed
from pylot_ls.bench.infill import infill_request
from pylot_ls.bench.peer import LlamaServer
from pylot_ls.bench.sessions import traces_of
from pylot_ls.bench.shared import SharedServer
from pylot_ls.bench.typed import TypedText
from pylot_ls.engine.memory import dimensions_of
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import Answer, EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.bench.http_side import Streamed
    from pylot_ls.bench.run import Run
    from pylot_ls.bench.typist import TypingTrace
    from pylot_ls.text.document import Document

    Tell = Callable[[], None]

_COMPLETIONS = "/v1/completions"
# Of the plain completions: some lines to begin with, and so many tokens each.
_PROMPT_LINES = 8
_N_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Together:
    """What one side did for all sessions.

    Attributes:
        asked: keystrokes at which the model was asked.
        typed_through: those at which it was not, since what was typed had been suggested.
        ttft_ms_p50, ttft_ms_p95: time to the first token, the wait for one's turn in it.
        tokens_evaluated_p50: before the first token.
        tokens_per_s: of plain completions, all together, their prompts' evaluation in the time.
    """

    asked: int
    typed_through: int
    ttft_ms_p50: float
    ttft_ms_p95: float
    tokens_evaluated_p50: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class TogetherReport:
    """Our side, and a peer's if there was one.

    Attributes:
        sessions: how many typed at once, and how many plain completions there were.
        keystrokes: in all of them together.
    """

    sessions: int
    keystrokes: int
    ours: Together
    peer: Together | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ``ratio`` says how many times faster we are, and how many times the peer's tokens a second."""
        peer = self.peer
        return {
            **asdict(self),
            "ratio": None
            if peer is None
            else {
                "ttft_p50": ratio(peer.ttft_ms_p50, self.ours.ttft_ms_p50),
                "ttft_p95": ratio(peer.ttft_ms_p95, self.ours.ttft_ms_p95),
                "throughput": ratio(self.ours.tokens_per_s, peer.tokens_per_s),
            },
        }


async def bench_together(
    run: Run,
    document: Document,
    n_sessions: int,
    n_keystrokes: int,
    seed: int = 0,
    *,
    peer: Path | None = None,
    on_keystroke: Callable[[int], None] = lambda _done: None,
) -> TogetherReport:
    """Type into several files at once, each in an editor of its own on one shared server; then the same on the peer.

    In each editor a keystroke follows on the answer to the last one. The peer's clients ask as llama.vim does, each on
    a slot of its own. Only one side runs at a time.

    Raises:
        ClientError: a server ended, failed or refused.
        DocumentError: there is nothing to type in the document.
    """
    if peer is not None and run.model is None:
        raise ClientError("a peer needs a model to be compared on; leave out --scripted")
    traces = list(traces_of(document, n_sessions, n_keystrokes, seed).values())
    prompts = _prompts(document, n_sessions)
    n_done = 0

    def done() -> None:
        nonlocal n_done
        n_done += 1
        on_keystroke(n_done)

    ours = await _ours(run, document, traces, prompts, done)
    theirs = None if peer is None else await _theirs(peer, run, traces, prompts, done)
    return TogetherReport(n_sessions, sum(len(trace.keystrokes) for trace in traces), ours, theirs)


def _prompts(document: Document, n_prompts: int) -> list[str]:
    """Beginnings of plain completions, no two of which begin alike."""
    lines = str(document.text).splitlines()
    starts = (len(lines) * number // n_prompts for number in range(n_prompts))
    return [f"# {start}\n" + "\n".join(lines[start : start + _PROMPT_LINES]) for start in starts]


async def _ours(run: Run, document: Document, traces: list[TypingTrace], prompts: list[str], done: Tell) -> Together:
    async with SharedServer(run) as server:
        async with AsyncExitStack() as editors:
            new = partial(EditorClient, server.editor_command, server.environment)
            clients = [await editors.enter_async_context(new()) for _ in traces]
            for client in clients:
                await client.loaded()
            typed = await asyncio.gather(
                *(
                    _type(client, f"{document.uri}#{number}", document.language_id, trace, done)
                    for number, (client, trace) in enumerate(zip(clients, traces, strict=True))
                )
            )
        answers = [answer for each in typed for answer in each]
        tokens_per_s = await _throughput(server.port, prompts)
    counted = [answer for answer in answers if not answer.typed_through]
    first = [answer.first_result_ms for answer in counted if answer.first_result_ms > 0]
    evaluated = [float(answer.tokens_evaluated) for answer in counted]
    return _figures(first, evaluated, len(answers) - len(counted), tokens_per_s)


async def _type(client: EditorClient, uri: str, language_id: str, trace: TypingTrace, done: Tell) -> list[Answer]:
    client.open(uri, language_id, trace.opened)
    # The cold prompt is no keystroke's cost.
    await client.ask(trace.keystrokes[0].start)
    answers = []
    for key in trace.keystrokes:
        answers.append(await client.type(key.start, key.end, key.text, key.cursor))
        done()
    return answers


async def _theirs(program: Path, run: Run, traces: list[TypingTrace], prompts: list[str], done: Tell) -> Together:
    n_trained = dimensions_of(run.model).n_ctx_train if run.model is not None else 0
    n_ctx = min(run.n_ctx, n_trained or run.n_ctx)
    async with LlamaServer(program, run, n_ctx, n_slots=len(traces)) as server:
        with ThreadPoolExecutor(len(traces)) as threads:
            loop = asyncio.get_running_loop()
            asking = (
                loop.run_in_executor(threads, _ask_typing, server.port, slot, trace, run.max_tokens, done)
                for slot, trace in enumerate(traces)
            )
            told = [each for answers in await asyncio.gather(*asking) for each in answers]
        tokens_per_s = await _throughput(server.port, prompts)
    return _figures([each.first_ms for each in told], [_n_evaluated(each.last) for each in told], 0, tokens_per_s)


def _ask_typing(port: int, slot: int, trace: TypingTrace, n_predict: int, done: Tell) -> list[Streamed]:
    """What the peer answers at each keystroke; the cold prompt before them does not count."""
    typed, answers = TypedText(trace), []

    def ask_here() -> list[Streamed]:
        body = infill_request(typed.text, typed.cursor, n_predict)
        return [] if body is None else [ask_streamed(port, "/infill", {**body, "id_slot": slot})]

    ask_here()
    for key in trace.keystrokes:
        typed.type(key)
        answers += ask_here()
        done()
    return answers


def _n_evaluated(last: dict[str, Any]) -> float:
    try:
        return float(last["timings"]["prompt_n"])
    except (KeyError, TypeError, ValueError) as error:
        raise ClientError(f"the peer's answer has no timings that can be read: {error}") from error


async def _throughput(port: int, prompts: list[str]) -> float:
    """Tokens a second of plain completions that are asked for at the same time."""
    bodies = [{"prompt": prompt, "max_tokens": _N_TOKENS, "temperature": 0, "ignore_eos": True} for prompt in prompts]
    with ThreadPoolExecutor(len(prompts)) as threads:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        answers = await asyncio.gather(
            *(loop.run_in_executor(threads, ask, port, _COMPLETIONS, body) for body in bodies)
        )
        seconds = time.perf_counter() - began
    try:
        n_tokens = sum(int(answer["usage"]["completion_tokens"]) for answer in answers)
    except (KeyError, TypeError, ValueError) as error:
        raise ClientError(f"an answer does not say how many tokens it has: {error}") from error
    return round(n_tokens / seconds, 2)


def _figures(first_ms: list[float], evaluated: list[float], typed_through: int, tokens_per_s: float) -> Together:
    return Together(
        asked=len(evaluated),
        typed_through=typed_through,
        ttft_ms_p50=percentile(first_ms, 50),
        ttft_ms_p95=percentile(first_ms, 95),
        tokens_evaluated_p50=percentile(evaluated, 50),
        tokens_per_s=tokens_per_s,
    )
