"""A file is opened that no server has seen: how long its first suggestion takes, and how long a peer takes there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.figures import percentile, ratio
from pylot_ls.bench.infill import infill_request
from pylot_ls.bench.peer import LlamaServer
from pylot_ls.lsp.client import EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.bench.run import Run
    from pylot_ls.text.document import Document

# Where in the file it is asked, as shares of its lines: a server that knows nothing for each.
_PLACES = (0.4, 0.6, 0.8)


def n_answers(peer: Path | None) -> int:
    """How many servers are asked."""
    return len(_PLACES) * (2 if peer else 1)


@dataclass(frozen=True, slots=True)
class ColdOpen:
    """The first suggestion in a file just opened, with nothing on disk; medians over some places.

    Attributes:
        ttft_ms: from asking to the first token, through the whole server, the model being loaded.
        ttft_ms_most: at the slowest of the places.
        step_ms: of decoding one token in the same runs.
        tokens_evaluated: until the first token.
        peer_ttft_ms: as the peer counts it; None without one.
        peer_tokens_evaluated: the same of it.
    """

    ttft_ms: float
    ttft_ms_most: float
    step_ms: float
    tokens_evaluated: float
    peer_ttft_ms: float | None = None
    peer_tokens_evaluated: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ratio": ratio(self.peer_ttft_ms, self.ttft_ms) if self.peer_ttft_ms else None}


async def bench_cold_open(
    run: Run, document: Document, n_ctx: int, peer: Path | None, on_answer: Callable[[], None]
) -> ColdOpen:
    """Open a document on fresh servers and ask at once.

    Args:
        run: how the model is run.
        document: it is written nowhere.
        n_ctx: tokens of context that the model has at most.
        peer: llama-server, if any.
        on_answer: called when a server has answered.

    Raises:
        ClientError: a server ended, failed or refused.
    """
    offsets = [_place(document, share) for share in _PLACES]
    ours, steps, theirs = [], [], []
    for offset in offsets:
        async with EditorClient(run.command, {**run.environment(), "PYLOT_LS_CACHE_ENABLED": "false"}) as editor:
            await editor.loaded()
            editor.open(document.uri, document.language_id, str(document.text))
            answer = await editor.ask(_position(document, offset))
        ours.append((answer.elapsed_ms - answer.total_ms + answer.first_result_ms, answer.tokens_evaluated))
        if answer.tokens_decoded > 1:
            steps.append((answer.total_ms - answer.first_result_ms) / (answer.tokens_decoded - 1))
        on_answer()
        if peer is not None:
            theirs.append(await _ask_peer(run, document, offset, LlamaServer(peer, run, n_ctx)))
            on_answer()
    return ColdOpen(
        ttft_ms=percentile([ms for ms, _ in ours], 50),
        ttft_ms_most=max(ms for ms, _ in ours),
        step_ms=percentile(steps, 50) if steps else 0.0,
        tokens_evaluated=percentile([float(n) for _, n in ours], 50),
        peer_ttft_ms=percentile([ms for ms, _ in theirs], 50) if theirs else None,
        peer_tokens_evaluated=percentile([float(n) for _, n in theirs], 50) if theirs else None,
    )


async def _ask_peer(run: Run, document: Document, offset: int, peer: LlamaServer) -> tuple[float, int]:
    async with peer as server:
        body = infill_request(document.text, offset, run.max_tokens)
        if body is None:
            raise AssertionError("the plugin asks at the end of a line")
        answer = await server.infill(body)
        return answer.first_token_ms, answer.tokens_evaluated


def _place(document: Document, share: float) -> int:
    """The end of a line, as an offset."""
    return document.text.line_end(min(int(document.text.n_lines * share), document.text.n_lines - 1))


def _position(document: Document, offset: int) -> tuple[int, int]:
    line = document.text.line_of(offset)
    return line, offset - document.text.line_start(line)
