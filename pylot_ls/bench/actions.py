"""``bench actions``: what a list of code actions costs in a long file, beside a request that finds nothing to do."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.figures import percentile
from pylot_ls.lsp.client import EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.text.document import Document

# The goal is 5 ms for a list in a file of 5,000 lines.
N_LINES = 5000
_NOT_OPEN = "file:///pylot-ls/not-open.py"


@dataclass(frozen=True, slots=True)
class ListFigures:
    """Lists of one kind, from the request to the answer, on the client.

    Attributes:
        p50_ms, p95_ms: of the lists.
        ratio_p50, ratio_p95: to the same percentile of the requests that find nothing to do, in the same run.
    """

    p50_ms: float
    p95_ms: float
    ratio_p50: float
    ratio_p95: float


@dataclass(frozen=True, slots=True)
class ActionsReport:
    """What was found.

    Attributes:
        n_lines: of the file.
        n_lists: of each kind.
        n_actions: how many actions a list had, on average.
        empty_p50_ms, empty_p95_ms: the same request about a document that is not open.
        here: at a place that is within what the list before looked at.
        elsewhere: at places all over the file.
        edited: after a keystroke.
    """

    n_lines: int
    n_lists: int
    n_actions: float
    empty_p50_ms: float
    empty_p95_ms: float
    here: ListFigures
    elsewhere: ListFigures
    edited: ListFigures

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


async def bench_actions(
    command: Sequence[str],
    document: Document,
    n_lists: int,
    seed: int = 0,
    on_step: Callable[[int], None] = lambda _done: None,
) -> ActionsReport:
    """Ask the real server for lists in a file of 5,000 lines, each beside a request that finds nothing to do.

    Args:
        command: starts the server.
        document: repeated until it is long enough.
        n_lists: of each kind.
        seed: which places.
        on_step: called with how many are done.

    Raises:
        ClientError: the server ended or refused.
    """
    places = random.Random(seed)  # noqa: S311 - places in a file are no secret
    lines = _long(str(document.text)).split("\n")
    empty: list[float] = []
    times: dict[str, list[float]] = {"here": [], "elsewhere": [], "edited": []}
    n_actions = 0
    async with EditorClient(command) as editor:
        await editor.loaded()
        editor.open(document.uri, document.language_id, "\n".join(lines))
        for number in range(n_lists):
            line = places.randrange(N_LINES)
            place = (line, len(lines[line]))
            for kind in times:
                if kind == "edited":
                    editor.edit(place, place, " ")
                empty.append((await editor.actions(place, _NOT_OPEN))[1])
                # The first at a place is the one elsewhere.
                name = {"here": "elsewhere", "elsewhere": "here"}.get(kind, kind)
                found, elapsed_ms = await editor.actions(place)
                times[name].append(elapsed_ms)
                n_actions += found
                if kind == "edited":
                    editor.edit(place, (line, len(lines[line]) + 1), "")
            on_step(number + 1)
    p50, p95 = percentile(empty, 50), percentile(empty, 95)
    figures = {
        kind: ListFigures(
            percentile(found, 50),
            percentile(found, 95),
            round(percentile(found, 50) / max(p50, 0.001), 2),
            round(percentile(found, 95) / max(p95, 0.001), 2),
        )
        for kind, found in times.items()
    }
    return ActionsReport(N_LINES, n_lists, round(n_actions / max(1, 3 * n_lists), 2), p50, p95, **figures)


def _long(text: str) -> str:
    """The text again and again, so many lines of it."""
    lines = text.rstrip("\n").split("\n")
    return "\n".join((lines * (N_LINES // max(1, len(lines)) + 1))[:N_LINES])
