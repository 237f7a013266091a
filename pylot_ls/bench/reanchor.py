"""``bench reanchor``: a long prompt is evaluated in the background while somebody types; whether that is felt."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.figures import percentile, ratio
from pylot_ls.bench.typist import trace_in_one_place
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import Answer, EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.bench.run import Run
    from pylot_ls.bench.typist import Keystroke
    from pylot_ls.text.document import Document

# Where in another document the long prompt is asked for, as a share of its lines.
_ELSEWHERE = 0.9
_POLL_S = 2.0
_LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class Typed:
    """Keystrokes that go on where the one before left off.

    Attributes:
        keystrokes: how many.
        ttft_ms_p50, ttft_ms_p95: to the first token, inside the server.
        background_tokens: evaluated meanwhile for nobody who waited.
    """

    keystrokes: int
    ttft_ms_p50: float
    ttft_ms_p95: float
    background_tokens: int

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Typed:
        """The figures of some answers in a row."""
        first = [answer.first_result_ms for answer in answers if answer.first_result_ms > 0]
        n_background = answers[-1].background_tokens - answers[0].background_tokens if answers else 0
        return cls(len(answers), percentile(first, 50), percentile(first, 95), n_background)


@dataclass(frozen=True, slots=True)
class ReanchorReport:
    """What was found.

    Attributes:
        quiet: typed with nothing in the background.
        busy: typed while the long prompt was evaluated.
        prompt_tokens: of the long prompt.
        finished_while_typing: whether it was done before the typing was.
        finished_s: from asking for it until it was done.
    """

    quiet: Typed
    busy: Typed
    prompt_tokens: int
    finished_while_typing: bool
    finished_s: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "ratio": {
                "ttft_p50": ratio(self.busy.ttft_ms_p50, self.quiet.ttft_ms_p50),
                "ttft_p95": ratio(self.busy.ttft_ms_p95, self.quiet.ttft_ms_p95),
            },
        }


async def bench_reanchor(
    run: Run,
    document: Document,
    n_keystrokes: int,
    seed: int = 0,
    *,
    on_keystroke: Callable[[int], None] = lambda _done: None,
) -> ReanchorReport:
    """Type at a person's pace with nothing in the background, then while a long prompt is evaluated there.

    Args:
        run: how the model is run.
        document: what to type in.
        n_keystrokes: how many to type at most, half of them in quiet.
        seed: chooses pauses and slips.
        on_keystroke: called with the number of keystrokes done.

    Raises:
        ClientError: the server ended or failed, or the prompt was never done.
        DocumentError: there is nothing to type in the document.
    """
    if run.model is None:
        raise ClientError("what is evaluated in the background is a model's; choose one")
    trace = trace_in_one_place(str(document.text), n_keystrokes, seed)
    half = len(trace.keystrokes) // 2
    # A single millisecond: the long prompt is never waited for.
    environment = {**run.environment(), "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "1"}
    async with EditorClient(run.command, environment) as editor:
        await editor.loaded()
        desk = _Desk(editor, document, on_keystroke)
        editor.open(document.uri, document.language_id, trace.opened)
        await desk.whole(trace.keystrokes[0].start, document.uri)
        quiet = await desk.type(trace.keystrokes[:half])
        elsewhere = document.uri + "#elsewhere"
        line = int(document.text.n_lines * _ELSEWHERE)
        editor.open(elsewhere, document.language_id, str(document.text))
        began = time.perf_counter()
        asked = await editor.ask((line, 0), elsewhere)
        if not asked.fallback:
            raise ClientError("this model evaluates a whole prompt in a moment; choose a larger one")
        busy = await desk.type(trace.keystrokes[half:])
        n_done = busy[-1].background_tokens - asked.background_tokens
        answer = await desk.whole((line, 0), elsewhere)
        finished_s = time.perf_counter() - began
    n_prompt = answer.tokens_evaluated + answer.tokens_reused
    return ReanchorReport(
        quiet=Typed.of(quiet),
        busy=Typed.of(busy),
        prompt_tokens=n_prompt,
        finished_while_typing=n_done >= n_prompt,
        finished_s=round(finished_s, 3),
    )


@dataclass(slots=True)
class _Desk:
    """A person at one editor."""

    editor: EditorClient
    document: Document
    on_keystroke: Callable[[int], None]
    n_done: int = 0

    async def type(self, keys: Sequence[Keystroke]) -> list[Answer]:
        """Type at a person's pace."""
        answers = []
        for key in keys:
            await asyncio.sleep(key.pause_ms / 1000)
            answers.append(await self.editor.type(key.start, key.end, key.text, key.cursor, self.document.uri))
            self.n_done += 1
            self.on_keystroke(self.n_done)
        return answers

    async def whole(self, cursor: tuple[int, int], uri: str) -> Answer:
        """Ask until the whole prompt is there."""
        until = time.perf_counter() + _LONGEST_S
        answer = await self.editor.ask(cursor, uri)
        while answer.fallback:
            if time.perf_counter() > until:
                raise ClientError(f"a prompt was not evaluated in the background within {_LONGEST_S:.0f} s")
            await asyncio.sleep(_POLL_S)
            # Another version, or the last answer would be given again.
            self.editor.edit((0, 0), (0, 0), "", uri)
            answer = await self.editor.ask(cursor, uri)
        return answer
