"""``pylot-ls doctor``: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text as Line

from pylot_ls.cli import checks
from pylot_ls.cli.bundle import write_bundle
from pylot_ls.cli.checks import Check, Status
from pylot_ls.cli.console import err, fail, out, print_json
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, overrides
from pylot_ls.config.load import load
from pylot_ls.config.sources import from_command_line, from_environment, from_file
from pylot_ls.errors import PylotError

_STYLES = {Status.OK: "green", Status.NOTE: "yellow", Status.BROKEN: "bold red"}


def command(
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
    bundle: Annotated[
        Path | None, typer.Option(help="Pack a report into this zip file, without code or keys.", metavar="FILE")
    ] = None,
) -> None:
    """Check the installation; exit code 1 when something is broken."""
    found = _all_checks(model, scripted=scripted)
    broken = any(check.status is Status.BROKEN for check in found)
    if bundle is not None:
        try:
            write_bundle(bundle, found)
        except PylotError as error:
            fail(error)
        err.print(f"The report is in {bundle}; look through it before you send it.", markup=False)
    if as_json:
        print_json({"ok": not broken, "checks": [asdict(check) for check in found]})
    else:
        for check in found:
            out.print(_rendered(check))
    raise typer.Exit(1 if broken else 0)


def _all_checks(model: Path | None, *, scripted: bool) -> list[Check]:
    options = overrides(model, scripted=scripted)
    settings, problems = load((from_file(os.environ), from_environment(os.environ), from_command_line(options)))
    return [
        checks.check_python(),
        checks.check_llama_cpp(),
        checks.check_settings(problems),
        checks.check_memory(),
        *asyncio.run(checks.check_model(settings)),
        *checks.check_roles(settings),
        checks.check_cache_folder(),
        checks.check_shared_server(),
        *checks.check_editors(),
    ]


def _rendered(check: Check) -> Line:
    line = Line(f"{check.status:>6}  ", style=_STYLES[check.status])
    line.append(f"{check.name}: ", style="not dim default")
    line.append(check.found, style="default")
    return line
