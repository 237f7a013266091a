"""``bench restore``: a file is closed with its server and opened again; what its first suggestion costs then."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.child import ChildProcess
from pylot_ls.bench.cold_open import ColdOpen, bench_cold_open, n_answers
from pylot_ls.bench.figures import ratio
from pylot_ls.errors import ClientError
from pylot_ls.kvcache.keys import BLOCK_TOKENS
from pylot_ls.lsp.client import Answer, EditorClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylot_ls.bench.run import Run
    from pylot_ls.text.document import Document

# The prompt that is asked for, half of the default context.
_N_PROMPT = 2048
# A prompt that ends so far behind the last full block: the exact end counts, too.
_N_TAIL = 137
_N_LINES_MOVED = 30
# This share of the lines stands before the cursor.
_SHARE_BEFORE = 0.6
# Asking cold and warm for each row, and the look at llama.cpp itself.
_N_STEPS = 7


def n_restore_steps(peer: Path | None) -> int:
    """How many steps ``bench_restore`` takes."""
    return _N_STEPS + n_answers(peer)


@dataclass(frozen=True, slots=True)
class RestoreRow:
    """One place, asked for by a server that knows nothing and by one that comes after another.

    Attributes:
        cold_ms, warm_ms: from asking to the first token, through the whole server, the model being loaded.
        prompt_tokens: of the prompt.
        warm_prompt_tokens: of the prompt that the second server took: a smaller one where there was no time.
        cold_tokens, warm_tokens: how many of them were evaluated.
    """

    cold_ms: float
    warm_ms: float
    prompt_tokens: int
    warm_prompt_tokens: int
    cold_tokens: int
    warm_tokens: int

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {**asdict(self), "cold_over_warm": ratio(self.cold_ms, self.warm_ms)}


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was found.

    Attributes:
        same: the cursor is where it was.
        moved: it is 30 lines further down.
        tail: it is where it was, and the prompt ends 137 tokens behind a full block.
        cold_open: a file just opened, within the time budget.
        kv: as ``engine.bare_restore.RestoreFindings``.
        max_tokens: the most tokens decoded for a suggestion.
        n_threads: processor threads.
    """

    same: RestoreRow
    moved: RestoreRow
    tail: RestoreRow
    cold_open: ColdOpen
    kv: dict[str, Any]
    max_tokens: int
    n_threads: int

    @property
    def rows(self) -> dict[str, RestoreRow]:
        """The rows by name."""
        return {"same": self.same, "moved": self.moved, "tail": self.tail}

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the row with the cursor where it was at the top, too."""
        return {
            "cold_ms": self.same.cold_ms,
            "warm_ms": self.same.warm_ms,
            "rows": {name: row.as_dict() for name, row in self.rows.items()},
            "cold_open": self.cold_open.as_dict(),
            "ratio": {
                "cold_over_warm": ratio(self.same.cold_ms, self.same.warm_ms),
                **{name: ratio(row.cold_ms, row.warm_ms) for name, row in self.rows.items()},
            },
            **{name: value for name, value in self.kv.items() if name not in {"n_tokens", "n_bytes"}},
            "elsewhere_within_noise_floor": self.kv["elsewhere"] <= self.kv["noise_floor"],
            "kv_tokens": self.kv["n_tokens"],
            "kv_bytes": self.kv["n_bytes"],
            "max_tokens": self.max_tokens,
            "n_threads": self.n_threads,
        }


async def bench_restore(
    run: Run, document: Document, *, peer: Path | None = None, on_step: Callable[[int], None] = lambda _done: None
) -> RestoreReport:
    """Ask in a part of a document, end the server, start another one and ask again.

    Args:
        run: how the model is run.
        document: where the part comes from; it is written nowhere.
        peer: llama-server, asked in the whole document as it is just opened; None for no peer.
        on_step: called with the number of steps done, of ``n_restore_steps``.

    Raises:
        ClientError: there is no model, the file is too short, or a server ended, failed or refused.
    """
    if run.model is None:
        raise ClientError("what is restored was evaluated by a model; choose one")
    async with ChildProcess("pylot_ls.bench.restore_step", "the look at llama.cpp", run) as child:
        n_ctx = int(child.greeting["n_ctx"])
        # In a small context a longer prompt would be cut.
        n_prompt = min(_N_PROMPT, n_ctx // 2)
        n_with_tail = n_prompt - (n_prompt - _N_TAIL) % BLOCK_TOKENS
        maker = _Maker(child, str(document.text), run.max_tokens)
        whole, with_tail = await maker.page(n_prompt), await maker.page(n_with_tail)
        kv = await child.ask(n_tokens=n_prompt)
        on_step(1)
    with tempfile.TemporaryDirectory(prefix="pylot-ls-bench-") as folder:
        desk = _Desk(run, document.language_id, Path(folder), on_step)
        cold = await desk.ask_cold("whole", whole, whole.cursor)
        warm = await desk.ask("whole", whole, whole.cursor)
        warm_moved = await desk.ask("whole", whole, whole.moved)
        cold_moved = await desk.ask_cold("moved", whole, whole.moved)
        cold_tail = await desk.ask_cold("tail", with_tail, with_tail.cursor)
        warm_tail = await desk.ask("tail", with_tail, with_tail.cursor)
    cold_open = await bench_cold_open(run, document, n_ctx, peer, desk.done)
    return RestoreReport(
        same=_row(cold, warm),
        moved=_row(cold_moved, warm_moved),
        tail=_row(cold_tail, warm_tail),
        cold_open=cold_open,
        kv=kv,
        max_tokens=run.max_tokens,
        n_threads=run.n_threads,
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """A text and two places in it, as (line, column).

    Attributes:
        cursor: where the first server is asked.
        moved: some lines further down.
    """

    text: str
    cursor: tuple[int, int]
    moved: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Maker:
    """Cuts pages out of a source, so that the prompt at their cursor has a certain number of tokens."""

    child: ChildProcess
    source: str
    max_tokens: int

    async def page(self, n_tokens: int) -> _Page:
        """As many lines from the source's beginning as fit, and a comment that fills up.

        Raises:
            ClientError: the source is too short.
        """
        lines = self.source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        low, high = 2, len(lines)
        if await self._n_prompt(lines, "") < n_tokens:
            raise ClientError(f"the file is too short for a prompt of {n_tokens} tokens; choose a longer one")
        while high - low > 1:
            middle = (low + high) // 2
            if await self._n_prompt(lines[:middle], "") <= n_tokens:
                low = middle
            else:
                high = middle
        filler = ""
        while await self._n_prompt(lines[:low], filler) < n_tokens:
            # Hardly any vocabulary has a token for two of them.
            filler += " x"
        return self._page(lines[:low], filler)

    async def _n_prompt(self, lines: list[str], filler: str) -> int:
        page = self._page(lines, filler)
        line, column = page.cursor
        offset = sum(len(each) + 1 for each in page.text.split("\n")[:line]) + column
        return int(await self.child.ask(text=page.text, cursor=offset, max_tokens=self.max_tokens))

    def _page(self, lines: list[str], filler: str) -> _Page:
        # Before the cursor: of what follows it, a prompt has no more than so much.
        page = ["#" + filler, *lines]
        number = min(int(len(page) * _SHARE_BEFORE), len(page) - 1)
        moved = min(number + _N_LINES_MOVED, len(page) - 1)
        return _Page("\n".join(page) + "\n", (number, len(page[number])), (moved, len(page[moved])))


@dataclass(slots=True)
class _Desk:
    """Starts servers, each with one of several cache folders, and asks each once."""

    run: Run
    language_id: str
    folder: Path
    on_step: Callable[[int], None]
    n_done: int = 1

    async def ask_cold(self, cache: str, page: _Page, cursor: tuple[int, int]) -> Answer:
        """As ``ask``, with time for the whole prompt: nothing of it is known."""
        return await self.ask(cache, page, cursor, {"PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0"})

    async def ask(
        self, cache: str, page: _Page, cursor: tuple[int, int], settings: Mapping[str, str] = MappingProxyType({})
    ) -> Answer:
        """Start a server, open the page as an editor does, ask at a place at once, and shut the server down."""
        # A file's name, so that what is evaluated of it is kept; the file itself need not be there.
        uri = (self.folder / "page.py").as_uri()
        async with EditorClient(self.run.command, {**self._environment(cache), **settings}) as editor:
            await editor.loaded()
            editor.open(uri, self.language_id, page.text)
            answer = await editor.ask(cursor)
        self.done()
        return answer

    def done(self) -> None:
        """Another step is done."""
        self.n_done += 1
        self.on_step(self.n_done)

    def _environment(self, cache: str) -> dict[str, str]:
        folder = str(self.folder / cache)
        return {
            **self.run.environment(),
            "PYLOT_LS_CACHE_ENABLED": "true",
            "PYLOT_LS_CACHE_DISK_LIMIT_MB": "4096",
            "PYLOT_LS_CACHE_DAILY_WRITE_MB": "8192",
            # Where platformdirs looks: elsewhere, and on Windows.
            "XDG_CACHE_HOME": folder,
            "WIN_PD_OVERRIDE_LOCAL_APPDATA": folder,
        }


def _row(cold: Answer, warm: Answer) -> RestoreRow:
    return RestoreRow(
        cold_ms=_first_token_ms(cold),
        warm_ms=_first_token_ms(warm),
        prompt_tokens=cold.tokens_evaluated + cold.tokens_reused,
        warm_prompt_tokens=warm.tokens_evaluated + warm.tokens_reused,
        cold_tokens=cold.tokens_evaluated,
        warm_tokens=warm.tokens_evaluated,
    )


def _first_token_ms(answer: Answer) -> float:
    """From asking to the first token: what the engine took for it, and all that was not the engine."""
    return round(answer.elapsed_ms - answer.total_ms + answer.first_result_ms, 3)
