"""``bench sessions``: several files typed in turn on one server."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pylot_ls.bench.figures import percentile
from pylot_ls.bench.typist import typing_trace
from pylot_ls.lsp.client import Answer, EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.bench.run import Run
    from pylot_ls.bench.typist import TypingTrace
    from pylot_ls.text.document import Document


@dataclass(frozen=True, slots=True)
class SessionsReport:
    """Figures over the keystrokes of all files.

    Attributes:
        sessions: how many files were typed in turn.
        keystrokes: in all of them together.
        typed_through: at how many of them the model was not asked; they count for nothing else.
        tokens_evaluated_p50, tokens_evaluated_p95, ttft_ms_p50, ttft_ms_p95: as in ``bench keystrokes``.
    """

    sessions: int
    keystrokes: int
    typed_through: int
    tokens_evaluated_p50: float
    tokens_evaluated_p95: float
    ttft_ms_p50: float
    ttft_ms_p95: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


def traces_of(document: Document, n_sessions: int, n_keystrokes: int, seed: int) -> dict[str, TypingTrace]:
    """What is typed in each session, by its document's URI.

    Each holds the lines of ``document`` in another order, so that no two have their beginning in common.

    Raises:
        DocumentError: there is nothing to type in the document.
    """
    lines = str(document.text).splitlines()
    first_lines = [len(lines) * number // n_sessions for number in range(n_sessions)]
    return {
        f"{document.uri}#{number}": typing_trace("\n".join(lines[first:] + lines[:first]), n_keystrokes, seed + number)
        for number, first in enumerate(first_lines)
    }


async def bench_sessions(
    run: Run,
    document: Document,
    n_sessions: int,
    n_keystrokes: int,
    seed: int = 0,
    *,
    on_keystroke: Callable[[int], None] = lambda _done: None,
) -> SessionsReport:
    """Type into several files, one keystroke in each in turn.

    The server speaks to one client, so the sessions are documents of it.

    Raises:
        ClientError: the server ended or failed.
        DocumentError: there is nothing to type in the document.
    """
    traces = traces_of(document, n_sessions, n_keystrokes, seed)
    answers: list[Answer] = []
    async with EditorClient(run.command, run.environment()) as editor:
        await editor.loaded()
        for uri, trace in traces.items():
            editor.open(uri, document.language_id, trace.opened)
            # The cold prompts are no keystroke's cost.
            await editor.ask(trace.keystrokes[0].start, uri)
        for keys in zip(*(trace.keystrokes for trace in traces.values()), strict=False):
            for uri, key in zip(traces, keys, strict=True):
                answers.append(await editor.type(key.start, key.end, key.text, key.cursor, uri))
                on_keystroke(len(answers))
    counted = [answer for answer in answers if not answer.typed_through]
    evaluated = [float(answer.tokens_evaluated) for answer in counted]
    first = [answer.first_result_ms for answer in counted if answer.first_result_ms > 0]
    return SessionsReport(
        sessions=n_sessions,
        keystrokes=len(answers),
        typed_through=len(answers) - len(counted),
        tokens_evaluated_p50=percentile(evaluated, 50),
        tokens_evaluated_p95=percentile(evaluated, 95),
        ttft_ms_p50=percentile(first, 50),
        ttft_ms_p95=percentile(first, 95),
    )
