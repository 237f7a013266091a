"""``bench keystrokes``: what a keystroke costs, through the whole server."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pylot_ls.bench.typist import typing_trace
from pylot_ls.lsp.client import Answer, EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.text.document import Document


@dataclass(frozen=True, slots=True)
class KeystrokeReport:
    """Figures over the keystrokes of one trace.

    Attributes:
        keystrokes: how many were typed.
        suggestions: how many of them had a suggestion.
        tokens_evaluated_p50, tokens_evaluated_p95: tokens submitted to the model up to the first logits.
        tokens_reused_p50: prompt tokens whose KV was there.
        ttft_ms_p50, ttft_ms_p95: from the request to the first token, inside the engine.
        shown_ms_p50, shown_ms_p95: from sending the edit until the suggestion is on the client.
    """

    keystrokes: int
    suggestions: int
    tokens_evaluated_p50: float
    tokens_evaluated_p95: float
    tokens_reused_p50: float
    ttft_ms_p50: float
    ttft_ms_p95: float
    shown_ms_p50: float
    shown_ms_p95: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


async def bench_keystrokes(
    command: Sequence[str],
    document: Document,
    n_keystrokes: int,
    seed: int = 0,
    on_keystroke: Callable[[int], None] = lambda _done: None,
) -> KeystrokeReport:
    """Type into a document through a server started by ``command``.

    Raises:
        ClientError: the server ended or failed.
        DocumentError: there is nothing to type in the document.
    """
    trace = typing_trace(str(document.text), n_keystrokes, seed)
    answers: list[Answer] = []
    async with EditorClient(command) as editor:
        await editor.loaded()
        editor.open(document.uri, document.language_id, trace.opened)
        # The cold prompt is no keystroke's cost.
        await editor.ask(trace.keystrokes[0].start)
        for key in trace.keystrokes:
            answers.append(await editor.type(key.start, key.end, key.text, key.cursor))
            on_keystroke(len(answers))
    return _report(answers)


def _report(answers: Sequence[Answer]) -> KeystrokeReport:
    evaluated = [float(answer.tokens_evaluated) for answer in answers]
    first = [answer.first_token_ms for answer in answers if answer.first_token_ms > 0]
    shown = [answer.elapsed_ms for answer in answers]
    return KeystrokeReport(
        keystrokes=len(answers),
        suggestions=sum(1 for answer in answers if answer.text),
        tokens_evaluated_p50=percentile(evaluated, 50),
        tokens_evaluated_p95=percentile(evaluated, 95),
        tokens_reused_p50=percentile([float(answer.tokens_reused) for answer in answers], 50),
        ttft_ms_p50=percentile(first, 50),
        ttft_ms_p95=percentile(first, 95),
        shown_ms_p50=percentile(shown, 50),
        shown_ms_p95=percentile(shown, 95),
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of the values, 0.0 for none; rounded to a thousandth."""
    if not values:
        return 0.0
    if len(values) == 1:
        return round(values[0], 3)
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 3)
