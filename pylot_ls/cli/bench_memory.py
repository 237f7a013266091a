"""``pylot-ls bench memory``: whether the forecasts of memory hold on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from pylot_ls import machine
from pylot_ls.bench.memory import CASES, LIMIT, MemoryReport, bench_memory
from pylot_ls.bench.synthetic import SHAPES
from pylot_ls.cli.console import err, fail, out, print_json
from pylot_ls.cli.options import JsonOption
from pylot_ls.config.folders import cache_folder
from pylot_ls.errors import PylotError

_MIB = 2**20


def command(
    shapes: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Which; default: {', '.join(repr(name) for name in CASES)}. Also {' and '.join(SHAPES)}, as large as "
            "the real ones."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Load models of several shapes, fill their contexts, and compare what they take with what was forecast."""
    names = shapes or list(CASES)
    try:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("measuring", total=len(names))
            report = bench_memory(
                names,
                cache_folder() / "synthetic",
                machine.physical_cores(),
                lambda done: progress.update(task, completed=done),
            )
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(report.as_dict())
    else:
        out.print(_table(report))
        out.print(f"off by {report.off_by:.1%} at most; the limit is {LIMIT:.0%}")


def _table(report: MemoryReport) -> Table:
    table = Table(title="memory of a model and its context, MiB")
    for title in ("shape", "context", "cells", "KV", "flash attention", "forecast", "measured", "ratio"):
        is_text = title in {"shape", "KV", "flash attention"}
        table.add_column(title, justify="left" if is_text else "right", no_wrap=title == "shape")
    for row in report.rows:
        sizes = (f"{n_bytes / _MIB:.1f}" for n_bytes in (row.forecast_bytes, row.measured_bytes))
        counts = (str(row.n_ctx), str(row.n_cells))
        table.add_row(row.name, *counts, row.kv_type, row.flash_attention, *sizes, f"{row.ratio:.3f}")
    return table
