"""``bench keystrokes``: what a keystroke costs, through the whole server, beside a peer's cost if one is given."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls import machine
from pylot_ls.bench.bare import BareProcess
from pylot_ls.bench.figures import Cost, figures, percentile
from pylot_ls.bench.infill import infill_request
from pylot_ls.bench.peer import LlamaServer, PeerAnswer
from pylot_ls.bench.report import KeystrokeReport, PeerFigures, PlaceFigures
from pylot_ls.bench.typed import TypedText
from pylot_ls.bench.typist import Keystroke, TypingTrace, typing_trace
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import Answer, EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.bench.run import Run
    from pylot_ls.text.document import Document

# Bare decode steps before and after the trace; enough for a median, and short beside the trace.
_N_BARE_STEPS = 16


async def bench_keystrokes(
    run: Run,
    document: Document,
    n_keystrokes: int,
    seed: int = 0,
    *,
    peer: Path | None = None,
    pauses: bool = False,
    on_keystroke: Callable[[int], None] = lambda _done: None,
) -> KeystrokeReport:
    """Type into a document through our server, and each keystroke after us through the peer.

    While the peer is asked and bare steps are measured our server stands still, or its background work would slow them
    down. So what it does in the background, between keystrokes, is what the pauses give it time for.

    Args:
        run: how the model is run on both sides.
        document: what to type in.
        n_keystrokes: how many to type at most.
        seed: chooses which places are typed.
        peer: a llama-server to compare with; it needs a model.
        pauses: whether to wait between keystrokes as a person does; without, each follows on the answer to the last.
        on_keystroke: called with the number of keystrokes done.

    Raises:
        ClientError: a server ended, failed or refused.
        DocumentError: there is nothing to type in the document.
    """
    trace = typing_trace(str(document.text), n_keystrokes, seed)
    if peer is not None and run.model is None:
        raise ClientError("a peer needs a model to be compared on; leave out --scripted")
    async with contextlib.AsyncExitStack() as bench, contextlib.AsyncExitStack() as servers:
        editor = await servers.enter_async_context(EditorClient(run.command, run.environment()))
        await editor.loaded()
        editor.open(document.uri, document.language_id, trace.opened)
        # The cold prompt is no keystroke's cost.
        cold = await editor.ask(trace.keystrokes[0].start)
        bare = await bench.enter_async_context(BareProcess(run)) if run.model is not None else None
        with machine.suspended(editor.pid):
            step_ms = await _steps_ms(bare, [cold])
        their_server = None
        if peer is not None and bare is not None:
            their_server = await servers.enter_async_context(LlamaServer(peer, run, bare.n_ctx))
        replay = _Replay(run, editor, their_server, trace)
        await replay.warm_up()
        for number, key in enumerate(trace.keystrokes, 1):
            await replay.type(key, pause_s=key.pause_ms / 1000 if pauses else 0.0)
            on_keystroke(number)
        replay.stop_clocks()
        await servers.aclose()
        step_ms += await _steps_ms(bare, replay.answers)
    return _report(run, replay, percentile(step_ms, 50) if step_ms else None)


async def _steps_ms(bare: BareProcess | None, answers: list[Answer]) -> list[float]:
    """Bare decode steps behind as many tokens as the prompts had."""
    lengths = [float(each.tokens_evaluated + each.tokens_reused) for each in answers if not each.typed_through]
    n_prompt = percentile(lengths, 50)
    if bare is None or n_prompt < 1:
        return []
    depth = min(int(n_prompt), bare.n_ctx - _N_BARE_STEPS)
    return await bare.steps_ms(depth, _N_BARE_STEPS)


@dataclass(slots=True)
class _Clock:
    """Processor time of a process."""

    pid: int
    spent_s: float = 0.0
    _last_s: float = 0.0

    def start(self) -> None:
        self._last_s = machine.process_cpu_seconds(self.pid)

    def lap(self) -> float:
        """What it spent since ``start`` or the last lap."""
        now = machine.process_cpu_seconds(self.pid)
        lap_s, self._last_s = max(0.0, now - self._last_s), now
        self.spent_s += lap_s
        return lap_s


@dataclass(slots=True)
class _Replay:
    """A trace typed on both sides in turn, so that a change of the machine's pace hits both."""

    run: Run
    editor: EditorClient
    peer: LlamaServer | None
    trace: TypingTrace
    answers: list[Answer] = field(default_factory=list)
    elsewhere: list[bool] = field(default_factory=list)
    peer_answers: list[PeerAnswer] = field(default_factory=list)
    our_cpu_in_peers_turns_s: float = 0.0
    our_clock: _Clock = field(init=False)
    peer_clock: _Clock = field(init=False)
    _typed: TypedText = field(init=False)

    def __post_init__(self) -> None:
        # The cold prompt was asked for where its cursor is.
        self._typed = TypedText(self.trace)
        self.our_clock = _Clock(self.editor.pid)
        self.peer_clock = _Clock(self.peer.pid if self.peer is not None else 0)

    async def warm_up(self) -> None:
        """Let the peer evaluate its first prompt too, and start the clocks."""
        await self._ask_peer()
        self.peer_answers.clear()
        self.our_clock.start()
        self.peer_clock.start()

    async def type(self, key: Keystroke, pause_s: float) -> None:
        """One keystroke, ours and then theirs."""
        if pause_s:
            await asyncio.sleep(pause_s)
        self.elsewhere.append(self._typed.cursor not in {self._typed.offset(key.start), self._typed.offset(key.end)})
        self.answers.append(await self.editor.type(key.start, key.end, key.text, key.cursor))
        self.our_clock.lap()
        self._typed.type(key)
        await self._ask_peer()
        if self.peer is not None:
            self.our_cpu_in_peers_turns_s += self.our_clock.lap()

    def stop_clocks(self) -> None:
        """Both servers are about to end."""
        self.our_clock.lap()
        self.peer_clock.lap()

    async def _ask_peer(self) -> None:
        if self.peer is None:
            return
        body = infill_request(self._typed.text, self._typed.cursor, self.run.max_tokens)
        if body is not None:
            with machine.suspended(self.editor.pid):
                self.peer_answers.append(await self.peer.infill(body))


def _report(run: Run, replay: _Replay, step_ms: float | None) -> KeystrokeReport:
    answers, n_characters = replay.answers, replay.trace.n_characters
    ours = [
        Cost(
            each.tokens_evaluated,
            each.tokens_decoded,
            each.first_result_ms,
            each.elapsed_ms,
            is_elsewhere=elsewhere,
            typed_through=each.typed_through,
        )
        for each, elsewhere in zip(answers, replay.elsewhere, strict=True)
    ]
    peer = None
    if replay.peer is not None:
        theirs = [
            Cost(each.tokens_evaluated, each.tokens_decoded, each.first_token_ms, each.wall_ms)
            for each in replay.peer_answers
        ]
        peer = PeerFigures(
            figures(theirs, step_ms, replay.peer_clock.spent_s, n_characters),
            replay.peer.n_batch,
            round(replay.our_cpu_in_peers_turns_s, 3),
        )
    return KeystrokeReport(
        keystrokes=len(answers),
        suggestions=sum(1 for answer in answers if answer.text),
        tokens_reused_p50=percentile([float(each.tokens_reused) for each in answers if not each.typed_through], 50),
        background_tokens=answers[-1].background_tokens - answers[0].background_tokens,
        step_ms_p50=step_ms,
        max_tokens=run.max_tokens,
        n_threads=run.n_threads,
        ours=figures(ours, step_ms, replay.our_clock.spent_s, n_characters),
        peer=peer,
        places={
            "going_on": PlaceFigures.of([cost for cost in ours if not cost.is_elsewhere]),
            "elsewhere": PlaceFigures.of([cost for cost in ours if cost.is_elsewhere]),
        },
    )
