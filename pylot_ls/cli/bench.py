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
from pylot_ls.bench.decode import bench_decode
from pylot_ls.bench.keystrokes import bench_keystrokes
from pylot_ls.bench.restore import bench_restore, n_steps
from pylot_ls.bench.run import Run
from pylot_ls.bench.sessions import bench_sessions
from pylot_ls.bench.synthetic import PREFIX, SHAPES, synthetic_model
from pylot_ls.cli.bench_tables import decode_table, keystrokes_table, restore_table, sessions_table
from pylot_ls.cli.console import err, fail, out, print_json
from pylot_ls.cli.options import JsonOption, ScriptedOption, overrides, server_command, settings_from
from pylot_ls.config.folders import cache_folder
from pylot_ls.config.wiring import model_path
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.engine.threads import automatic_threads
from pylot_ls.errors import PylotError
from pylot_ls.text.files import document_from_file

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from rich.console import RenderableType

    from pylot_ls.text.document import Document

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


@app.command("keystrokes")
def keystrokes(
    file: FileArgument = None,
    n_keystrokes: KeystrokesOption = 200,
    seed: SeedOption = 0,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    peer: Annotated[
        str | None,
        typer.Option(metavar="llama-server=PATH", help="Type the same into this server, keystroke by keystroke."),
    ] = None,
    pauses: Annotated[bool, typer.Option("--pauses", help="Type at a person's pace, not at full speed.")] = False,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Type into a file through the real server; print what each keystroke costs."""
    program = _peer(peer, "llama-server")

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_keystrokes(
            run, document, n_keystrokes, seed, peer=program, pauses=pauses, on_keystroke=done
        )
        _print(report.as_dict(), keystrokes_table(report), model, as_json=as_json)

    _bench(file, _Choice(model, max_tokens, scripted), n_keystrokes, measure)


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
    as_json: JsonOption = False,
) -> None:
    """Compare the rate of decoding through the server with llama.cpp's own."""
    program = _peer(peer, "llama-bench")

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_decode(run, document, n_tokens, seed, llama_bench=program, on_token=done)
        _print(report.as_dict(), decode_table(report), model, as_json=as_json)

    _bench(file, _Choice(model, max_tokens), n_tokens, measure)


@app.command("sessions")
def sessions(
    file: FileArgument = None,
    n_sessions: Annotated[int, typer.Option("--sessions", min=1, max=32, help="How many files are typed.")] = 2,
    n_keystrokes: Annotated[
        int, typer.Option("--keystrokes", min=1, max=100_000, help="How many to type in each.")
    ] = 100,
    seed: SeedOption = 0,
    model: BenchModelOption = None,
    max_tokens: MaxTokensOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Type into several files in turn on one server; print what each keystroke costs."""

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_sessions(run, document, n_sessions, n_keystrokes, seed, on_keystroke=done)
        _print(report.as_dict(), sessions_table(report), model, as_json=as_json)

    _bench(file, _Choice(model, max_tokens, scripted), n_keystrokes * n_sessions, measure)


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
    program = _peer(peer, "llama-server")

    async def measure(run: Run, document: Document, done: Callable[[int], None]) -> None:
        report = await bench_restore(run, document, peer=program, on_step=done)
        _print(report.as_dict(), restore_table(report), model, as_json=as_json)

    # The bundled file is too short to be worth restoring.
    _bench(file or Path(argparse.__file__), _Choice(model, max_tokens), n_steps(program), measure)


class _Choice:
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
            n_ctx=settings.model.n_ctx,
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


def _bench(
    file: Path | None,
    choice: _Choice,
    total: int,
    measure: Callable[[Run, Document, Callable[[int], None]], Coroutine[Any, Any, None]],
) -> None:
    """Run a benchmark with a progress bar on stderr."""
    try:
        document = document_from_file(file or bundled.sample_path())
        run = choice.run()
        with _ends_children_at_sigterm(), Progress(console=err, transient=True) as progress:
            task = progress.add_task("measuring", total=total)
            asyncio.run(measure(run, document, lambda done: progress.update(task, completed=done)))
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
    try:
        yield
    except KeyboardInterrupt:
        if not terminated:
            raise
        raise SystemExit(128 + signal.SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _peer(value: str | None, name: str) -> Path | None:
    """The program of ``NAME=PATH``."""
    if value is None:
        return None
    given, _, path = value.partition("=")
    if given != name or not path:
        raise typer.BadParameter(f"write --peer {name}=PATH")
    return Path(path).expanduser()


def _print(values: Any, table: RenderableType, model: str | None, *, as_json: bool) -> None:
    is_synthetic = model is not None and model.startswith(PREFIX)
    if as_json:
        print_json({**values, "synthetic": is_synthetic})
    else:
        out.print(table)
        if is_synthetic:
            out.print(_SYNTHETIC_NOTE, style="yellow")
