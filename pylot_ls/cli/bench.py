"""``pylot-ls bench``: what things cost on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from pylot_ls import bundled
from pylot_ls.bench.keystrokes import KeystrokeReport, bench_keystrokes
from pylot_ls.cli.console import err, fail, out, print_json
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, server_command
from pylot_ls.errors import PylotError
from pylot_ls.text.files import document_from_file

app = typer.Typer(help="Measure what things cost on this machine.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``bench`` a group of commands."""


@app.command("keystrokes")
def keystrokes(
    file: Annotated[Path | None, typer.Argument(help="The source file to type in; default: a bundled one.")] = None,
    n_keystrokes: Annotated[int, typer.Option("--keystrokes", min=1, max=100_000, help="How many to type.")] = 200,
    seed: Annotated[int, typer.Option(help="Which places are typed.")] = 0,
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Type into a file through the real server; print what each keystroke costs."""
    try:
        document = document_from_file(file or bundled.sample_path())
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("typing", total=n_keystrokes)
            report = asyncio.run(
                bench_keystrokes(
                    server_command(model, scripted=scripted),
                    document,
                    n_keystrokes,
                    seed,
                    lambda done: progress.update(task, completed=done),
                ),
            )
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(report.as_dict())
    else:
        out.print(_table(report))


def _table(report: KeystrokeReport) -> Table:
    table = Table(title=f"{report.keystrokes} keystrokes, {report.suggestions} suggestions")
    table.add_column("per keystroke")
    table.add_column("p50", justify="right")
    table.add_column("p95", justify="right")
    table.add_row("tokens evaluated", f"{report.tokens_evaluated_p50:g}", f"{report.tokens_evaluated_p95:g}")
    table.add_row("tokens reused", f"{report.tokens_reused_p50:g}", "")
    table.add_row("first token, ms", f"{report.ttft_ms_p50:.2f}", f"{report.ttft_ms_p95:.2f}")
    table.add_row("shown on the client, ms", f"{report.shown_ms_p50:.2f}", f"{report.shown_ms_p95:.2f}")
    return table
