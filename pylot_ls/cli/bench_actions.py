"""``pylot-ls bench actions``: what a list of code actions costs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from pylot_ls import bundled
from pylot_ls.bench.actions import ActionsReport, bench_actions
from pylot_ls.cli.console import err, fail, out, print_json
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, server_command
from pylot_ls.errors import PylotError
from pylot_ls.text.files import document_from_file


def command(
    file: Annotated[
        Path | None, typer.Argument(help="The source file, repeated to 5,000 lines; default: a bundled one.")
    ] = None,
    n_lists: Annotated[int, typer.Option("--lists", min=1, max=100_000, help="How many of each kind.")] = 200,
    seed: Annotated[int, typer.Option(help="Which places.")] = 0,
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the code actions in a file of 5,000 lines; print what that costs beside a request that does nothing."""
    try:
        document = document_from_file(file or bundled.sample_path())
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("listing", total=n_lists)
            work = bench_actions(
                server_command(model, scripted=scripted),
                document,
                n_lists,
                seed,
                lambda done: progress.update(task, completed=done),
            )
            report = asyncio.run(work)
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(report.as_dict())
    else:
        out.print(_table(report))


def _table(report: ActionsReport) -> Table:
    table = Table(
        title=f"{report.n_lists} lists of each kind in {report.n_lines} lines, {report.n_actions} actions each"
    )
    for title in ("request", "p50 ms", "p95 ms", "p50, ratio", "p95, ratio"):
        table.add_column(title, justify="left" if title == "request" else "right")
    table.add_row("finds nothing to do", f"{report.empty_p50_ms:.2f}", f"{report.empty_p95_ms:.2f}", "1", "1")
    for name, each in (("elsewhere", report.elsewhere), ("here again", report.here), ("after an edit", report.edited)):
        ratios = (f"{each.ratio_p50:.1f}", f"{each.ratio_p95:.1f}")
        table.add_row(name, f"{each.p50_ms:.2f}", f"{each.p95_ms:.2f}", *ratios)
    return table
