"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pylot_ls import trace
from pylot_ls.cli.console import err
from pylot_ls.config.load import load
from pylot_ls.config.sources import from_command_line, from_environment, from_file

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings

ModelOption = Annotated[
    Path | None,
    typer.Option("--model", metavar="GGUF", help="The model file; default: from the settings, else the bundled one."),
]
ScriptedOption = Annotated[
    bool,
    typer.Option("--scripted", help="Answer a fixed text, with no model: for trying out an editor's configuration."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def overrides(model: Path | None, *, scripted: bool = False) -> dict[str, dict[str, object]]:
    """The settings that options give; they win over every other source."""
    group: dict[str, object] = {}
    if model is not None:
        group["path"] = str(model)
    if scripted:
        group["backend"] = "scripted"
    return {"model": group} if group else {}


def settings_from(options: dict[str, dict[str, object]]) -> Settings:
    """The settings of a command; what is wrong with them is said on stderr."""
    settings, problems = load((from_file(os.environ), from_environment(os.environ), from_command_line(options)))
    for problem in problems:
        err.print(f"pylot-ls: {problem.message}", style="yellow", markup=False)
    trace.configure(settings.log.level, settings.log.file)
    return settings


def server_command(model: Path | None, *, scripted: bool = False) -> list[str]:
    """How to start the server as a child of this very installation."""
    command = [sys.executable, "-m", "pylot_ls", "--stdio"]
    if model is not None:
        command += ["--model", str(model)]
    if scripted:
        command.append("--scripted")
    return command
