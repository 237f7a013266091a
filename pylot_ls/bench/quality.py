"""``bench quality``: how much of what a person types is suggested rightly, beside a peer's share if one is given."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.bench.bare import BareProcess
from pylot_ls.bench.editors import OurEditor, PeerEditor
from pylot_ls.bench.filling import fill
from pylot_ls.bench.looks import Ask, Typing
from pylot_ls.bench.peer import LlamaServer
from pylot_ls.bench.quality_report import FilledHole, QualityReport
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.bench.corpus import Corpus
    from pylot_ls.bench.filling import Editor
    from pylot_ls.bench.run import Run

# llama.vim draws its suggestions at random.
PEER_SEEDS = (1, 2, 3)
# Our server answers with what there is after this share of the time that the person waits.
_SHARE_WAITED = 0.9


@dataclass(frozen=True, slots=True)
class Habits:
    """How the person types.

    Attributes:
        ask: where suggestions are looked at.
        budget_ms: how long the person waits for one.
    """

    ask: Ask = Ask.WORD
    budget_ms: float = 1000.0


def n_quality_steps(corpus: Corpus, *, has_peer: bool) -> int:
    """How many steps ``bench_quality`` takes: holes filled, ours and theirs."""
    return corpus.n_holes * (2 + len(PEER_SEEDS) if has_peer else 1)


async def bench_quality(
    run: Run,
    corpus: Corpus,
    habits: Habits,
    seed: int = 0,
    *,
    peer: Path | None = None,
    on_step: Callable[[int], None] = lambda _done: None,
) -> QualityReport:
    """Fill the holes of some files with our server, and each of them after us with the peer.

    The peer's suggestions are drawn at random, so each hole is filled with it for each of three seeds, and once more
    with the likeliest tokens alone (``top_k`` 1).

    Args:
        run: how the model is run on both sides.
        corpus: what is typed.
        habits: how.
        seed: of the intervals' resampling.
        peer: a llama-server to compare with; it needs a model.
        on_step: called with the number of steps done; see ``n_quality_steps``.

    Raises:
        ClientError: a server ended, failed or refused.
    """
    if peer is not None and run.model is None:
        raise ClientError("a peer needs a model to be compared on; leave out --scripted")
    filled: list[FilledHole] = []
    async with contextlib.AsyncExitStack() as servers:
        # What is there when the person has waited for as long as they will.
        patience = {"PYLOT_LS_COMPLETION_ANSWER_AFTER_MS": str(max(1, int(_SHARE_WAITED * habits.budget_ms)))}
        environment = {**run.usual_environment(), **patience}
        client = await servers.enter_async_context(EditorClient(run.command, environment))
        await client.loaded()
        sampled, likeliest = await _peers(run, peer, servers)
        editors: list[Editor] = [OurEditor(client), *sampled, *likeliest]
        done = 0
        for source in corpus.sources:
            for hole in source.holes:
                sides = []
                for editor in editors:
                    sides.append(await fill(editor, source, hole, habits.ask, habits.budget_ms))
                    done += 1
                    on_step(done)
                ours, *theirs = sides
                n_characters = Typing(hole.text).n_characters()
                filled.append(
                    FilledHole(
                        str(source.path),
                        source.language,
                        n_characters,
                        ours,
                        peer=theirs[: len(sampled)],
                        peer_likeliest=theirs[len(sampled) :],
                    ),
                )
    return QualityReport(tuple(filled), corpus, has_peer=peer is not None, seed=seed)


async def _peers(
    run: Run,
    program: Path | None,
    servers: contextlib.AsyncExitStack,
) -> tuple[list[PeerEditor], list[PeerEditor]]:
    """The peer's editors by how it samples: as it does, one for each seed, and the likeliest tokens; none without."""
    if program is None:
        return [], []
    async with BareProcess(run) as bare:
        n_ctx = bare.n_ctx
    server = await servers.enter_async_context(LlamaServer(program, run, n_ctx))
    sampled = [PeerEditor(server, run.max_tokens, {"seed": seed}) for seed in PEER_SEEDS]
    return sampled, [PeerEditor(server, run.max_tokens, {"top_k": 1})]
