"""``pylot-ls bench``: what things cost on this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from pylot_ls import bundled, machine
from pylot_ls.bench.corpus import gather, standard_library
from pylot_ls.bench.decode import bench_decode
from pylot_ls.bench.keystrokes import bench_keystrokes
from pylot_ls.bench.looks import Ask
from pylot_ls.bench.quality import Habits, bench_quality, n_quality_steps
from pylot_ls.bench.reanchor import bench_reanchor
from pylot_ls.bench.restore import bench_restore, n_restore_steps
from pylot_ls.bench.run import Run
from pylot_ls.bench.synthetic import PREFIX, SHAPES, synthetic_model
from pylot_ls.cli.bench_tables import (
    decode_table,
    keystrokes_table,
    quality_table,
    reanchor_table,
    restore_table,
)
from pylot_ls.cli.console import err, fail, out, print_json
from pylot_ls.cli.options import JsonOption, ScriptedOption, overrides, server_command, settings_from
from pylot_ls.config.folders import cache_folder
from pylot_ls.config.wiring import model_path
from pylot_ls.engine.manifest import manifest_for
from pylot_ls.engine.memory_plan import DEFAULT_N_CTX
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.engine.threads import automatic_threads
from pylot_ls.errors import PylotError
from pylot_ls.text.files import document_from_file

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from rich.console import RenderableType

    from pylot_ls.text.document import Document

    _Work = tuple[int, Callable[[Callable[[int], None]], Coroutine[Any, Any, None]]]

app = typer.Typer(help="Measure what things cost on this machine.", no_args_is_help=True)

_SYNTHETIC_NOTE = "Synthetic model: random weights at a real model's shape. Only the timings mean anything."

FileArgument = Annotated[Path | None, typer.Argument(help="The source file to type in; default: a bundled one.")]
SeedOption = Annotated[int, typer.Option(help="Which places are typed.")]
KeystrokesOption = Annotated[int, typer.Option("--keystrokes", min=1, max=100_000, help="How many to type.")]
BenchModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="GGUF",
        help="The model file; default: from the settings, else the bundled one. "
        f"{PREFIX}NAME is a model with random weights at the shape of {' or '.join(SHAPES)}, made once and kept.",
    ),
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option(min=1, max=512, help="The most tokens decoded for a suggestion; default: from the settings."),
]
PeerServerOption = Annotated[
    str | None,
    typer.Option("--peer", metavar="llama-server=PATH", help="Type the same into this server, keystroke by keystroke."),
]


@app.command("keystrokes")
def keystrokes(
    file: FileArgument = None,
    n_keystrokes: KeystrokesOption = 200,
    seed: SeedOption = 0,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    peer: PeerServerOption = None,
    pauses: Annotated[bool, typer.Option("--pauses", help="Type at a person's pace, not at full speed.")] = False,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Type into a file through the real server; print what each keystroke costs."""
    program = peer_program(peer, "llama-server")

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_keystrokes(
            run, document, n_keystrokes, seed, peer=program, pauses=pauses, on_keystroke=done
        )
        print_report(report.as_dict(), keystrokes_table(report), model, as_json=as_json)

    bench_document(file, Choice(model, max_tokens, scripted), n_keystrokes, measure)


@app.command("decode")
def decode(
    file: FileArgument = None,
    n_tokens: Annotated[int, typer.Option("--tokens", min=1, max=100_000, help="How many to decode.")] = 200,
    seed: SeedOption = 0,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    peer: Annotated[
        str | None,
        typer.Option(metavar="llama-bench=PATH", help="Print this program's rate beside ours."),
    ] = None,
    speculation: Annotated[
        bool | None,
        typer.Option(help="Also measure what speculation gains; default: unless the weights are random."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the rate of decoding through the server with llama.cpp's own."""
    program = peer_program(peer, "llama-bench")
    # What random weights say is no text, which neither repeats itself nor anything.
    speculates = not _is_synthetic(model) if speculation is None else speculation

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_decode(
            run, document, n_tokens, seed, llama_bench=program, speculation=speculates, on_token=done
        )
        print_report(report.as_dict(), decode_table(report), model, as_json=as_json)

    bench_document(file, Choice(model, max_tokens), n_tokens, measure)


@app.command("reanchor")
def reanchor(
    file: Annotated[Path | None, typer.Argument(help="The file to type in; default: one of Python's own.")] = None,
    n_keystrokes: KeystrokesOption = 300,
    seed: SeedOption = 0,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    as_json: JsonOption = False,
) -> None:
    """Type at a person's pace while a long prompt is evaluated in the background; print whether that is felt."""

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_reanchor(run, document, n_keystrokes, seed, on_keystroke=done)
        print_report(report.as_dict(), reanchor_table(report), model, as_json=as_json)

    bench_document(file or Path(argparse.__file__), Choice(model, max_tokens), n_keystrokes, measure)


@app.command("restore")
def restore(
    file: Annotated[
        Path | None, typer.Argument(help="The source file that is opened again; default: one of Python's own.")
    ] = None,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    peer: Annotated[
        str | None,
        typer.Option(metavar="llama-server=PATH", help="Ask this server, too, in the file as it is just opened."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start the server again and open the same file: what its first suggestion costs then, and what it cost before."""
    program = peer_program(peer, "llama-server")

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_restore(run, document, peer=program, on_step=done)
        print_report(report.as_dict(), restore_table(report), model, as_json=as_json)

    # The bundled file is too short to be worth restoring.
    bench_document(file or Path(argparse.__file__), Choice(model, max_tokens), n_restore_steps(program), measure)


@app.command("quality")
def quality(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Source files, or folders of them; default: the standard library of this Python."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most files, chosen by --seed.")] = 10,
    holes: Annotated[int, typer.Option("--spans", min=1, max=1000, help="The most places typed in each.")] = 4,
    ask: Annotated[
        Ask,
        typer.Option(
            help="Where the person looks at what is suggested: after Return and at a line's end, there and where a "
            "word begins, or after every keystroke."
        ),
    ] = Ask.WORD,
    budget_ms: Annotated[
        int, typer.Option(min=1, max=600_000, help="How long the person waits for a suggestion, in milliseconds.")
    ] = 1000,
    seed: SeedOption = 0,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    peer: PeerServerOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Type parts of source files back through the real server, taking what is suggested where it is right.

    Files that the model was trained on, as its manifest tells, are left out. Whole lines and parts of lines are
    missing when a file is opened; what stands after them stands after the cursor. The figures are shares from 0 to 1:

    kept_characters: of the characters to type (Return is one, the indentation after it none), those that came from
    accepted suggestions: all of one, its first line or its first word, the longest that is exactly what comes next.

    exact_line: of the looks with something of the line left to type, those where the suggestion's first line is that.

    edit_similarity: the mean, over the same looks, of 1 - Levenshtein distance / the longer length; 0 without one.

    shown: of all looks, those with a suggestion.

    wrong_shown: of the suggestions shown, those that, to the end of their first line with text, are neither what comes
    next nor its beginning; one of which the first word was taken may be among them.

    repeats_suffix: of the suggestions shown, those that repeat what follows the cursor: a whole line equal to the next,
    or three and more characters, white space aside, that the text behind the cursor begins with.

    adds_errors: of the suggestions shown in languages with a grammar, those with which tree-sitter counts more errors
    in the whole file.

    late: of all looks, those whose answer came after --budget-ms, so that nothing was shown.

    ratio: ours over the peer's, whose sampling is repeated with 3 seeds; kept_characters_top_k_1 is over the peer
    with the likeliest tokens alone. wrong_shown_at_equal_kept compares where suggestions below a confidence of ours are
    hidden, as high as still keeps what the peer keeps; null where we keep less or it keeps nothing.
    """
    program = peer_program(peer, "llama-server")
    choice = Choice(model, max_tokens, scripted)

    def prepare(run: Run) -> _Work:
        held_out = manifest_for(run.model, (bundled.models_dir(),)).held_out if run.model is not None else None
        corpus = gather(paths or [standard_library()], limit, holes, seed, held_out)

        async def measure(done: Callable[[int], None]) -> None:
            habits = Habits(ask, budget_ms)
            report = await bench_quality(run, corpus, habits, seed, peer=program, on_step=done)
            chosen = {"ask": ask, "budget_ms": budget_ms, "max_tokens": run.max_tokens, "seed": seed}
            values = {**report.as_dict(), "model": run.model.name if run.model else None, **chosen}
            print_report(values, quality_table(values), model, as_json=as_json)

        return n_quality_steps(corpus, has_peer=program is not None), measure

    _measure(choice, prepare)


class Choice:
    """What the options say about the model."""

    def __init__(self, model: str | None, max_tokens: int | None, scripted: bool = False) -> None:
        self.model = model
        self.max_tokens = max_tokens
        self.scripted = scripted

    def run(self) -> Run:
        """How the model is run.

        Raises:
            PylotError: there is no such model.
        """
        chosen = self._model_file()
        settings = settings_from(overrides(chosen, scripted=self.scripted))
        path = None if settings.model.backend == "scripted" else model_path(settings)
        n_threads = settings.model.n_threads
        if path is not None:
            check_model_file(path)
            n_threads = n_threads or automatic_threads(path.stat().st_size, machine.physical_cores())
        return Run(
            command=tuple(server_command(chosen, scripted=self.scripted)),
            model=path,
            max_tokens=self.max_tokens or settings.completion.max_tokens,
            n_ctx=settings.model.n_ctx or DEFAULT_N_CTX,
            n_threads=n_threads,
            n_gpu_layers=settings.model.n_gpu_layers,
            flash_attention=settings.model.flash_attention,
        )

    def _model_file(self) -> Path | None:
        if self.model is None:
            return None
        if not self.model.startswith(PREFIX):
            return Path(self.model)
        with err.status(f"making {self.model} ..."):
            return synthetic_model(self.model.removeprefix(PREFIX), cache_folder() / "synthetic")


def bench_document(
    file: Path | None,
    choice: Choice,
    total: int,
    measure: Callable[[Run, Document, Callable[[int], None]], Coroutine[Any, Any, None]],
) -> None:
    """Run a benchmark over one document, which takes ``total`` steps."""

    def prepare(run: Run) -> _Work:
        document = document_from_file(file or bundled.sample_path())
        return total, lambda done: measure(run, document, done)

    _measure(choice, prepare)


def _measure(choice: Choice, prepare: Callable[[Run], _Work]) -> None:
    """Run a benchmark, of which ``prepare`` tells how many steps it takes, with a progress bar on stderr."""
    try:
        total, measure = prepare(choice.run())
        with _ends_children_at_sigterm(), Progress(console=err, transient=True) as progress:
            task = progress.add_task("measuring", total=total)
            asyncio.run(measure(lambda done: progress.update(task, completed=done)))
    except PylotError as error:
        fail(error)


@contextlib.contextmanager
def _ends_children_at_sigterm() -> Iterator[None]:
    """End at SIGTERM as at Ctrl-C, with the servers shut down: a peer, which knows nothing of us, would run on."""
    terminated = False

    def interrupt(_signal: int, _frame: object) -> None:
        nonlocal terminated
        terminated = True
        # asyncio ends its main task at this one alone.
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    # A shell without job control has what it starts in the background ignore it.
    sigint_before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        if not terminated:
            raise
        raise SystemExit(128 + signal.SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, sigint_before)


def peer_program(value: str | None, name: str) -> Path | None:
    """The program of ``NAME=PATH``."""
    if value is None:
        return None
    given, _, path = value.partition("=")
    if given != name or not path:
        raise typer.BadParameter(f"write --peer {name}=PATH")
    return Path(path).expanduser()


def _is_synthetic(model: str | None) -> bool:
    return model is not None and model.startswith(PREFIX)


def print_report(values: Any, table: RenderableType, model: str | None, *, as_json: bool) -> None:
    """Print figures, as a table or as JSON."""
    is_synthetic = _is_synthetic(model)
    if as_json:
        print_json({**values, "synthetic": is_synthetic})
    else:
        out.print(table)
        if is_synthetic:
            out.print(_SYNTHETIC_NOTE, style="yellow")
