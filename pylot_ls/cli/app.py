"""The command line's root: the server itself, and the commands beside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pylot_ls import __version__
from pylot_ls.cli import (
    action,
    bench,
    bench_actions,
    bench_memory,
    bench_sessions,
    cache,
    complete,
    config,
    demo,
    doctor,
    hover,
    keys,
    models,
    serve,
    setup,
    stats,
    top,
)
from pylot_ls.cli.console import err, print_text
from pylot_ls.cli.options import ModelOption, ScriptedOption, overrides
from pylot_ls.lsp.server import run_stdio

app = typer.Typer(
    name="pylot-ls",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("complete")(complete.command)
app.command("hover")(hover.command)
app.command("action")(action.command)
app.command("demo")(demo.command)
app.command("doctor")(doctor.command)
app.command("config")(config.command)
app.command("setup")(setup.command)
app.command("serve")(serve.command)
app.command("stats")(stats.command)
app.command("top")(top.command)
app.add_typer(keys.app, name="keys")
bench.app.command("sessions")(bench_sessions.command)
bench.app.command("memory")(bench_memory.command)
bench.app.command("actions")(bench_actions.command)
app.add_typer(bench.app, name="bench")
app.add_typer(cache.app, name="cache")
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        print_text(f"pylot-ls {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def on_stdio(
    context: typer.Context,
    stdio: Annotated[bool, typer.Option("--stdio", help="Speak LSP on stdin and stdout; this is the default.")] = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="Join the server that all editors share; it is started if need be.")
    ] = False,
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    log_level: Annotated[str | None, typer.Option(help="error, warning, info or debug.")] = None,
    log_file: Annotated[Path | None, typer.Option(help="Where the log goes; default: stderr.")] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """A language server that completes code with a model in its own process, on your own machine.

    Without a command it is the server: an editor starts it and speaks LSP with it on stdin and stdout.
    """
    del version
    # ``--shared`` was tried before this was imported (see ``__main__``); where it cannot be, this process serves.
    if context.invoked_subcommand is not None:
        if stdio or shared or scripted or any((model, log_level, log_file)):
            raise typer.BadParameter(f"write the options after {context.invoked_subcommand}, not before it")
        return
    if sys.stdin.isatty() and not (stdio or shared):
        err.print("This is a language server: an editor starts it. Try `pylot-ls demo`, or `pylot-ls --help`.")
        raise typer.Exit(2)
    options = overrides(model, scripted=scripted)
    log = {"level": log_level, "file": str(log_file) if log_file else None}
    chosen = {name: value for name, value in log.items() if value is not None}
    raise typer.Exit(run_stdio({**options, **({"log": chosen} if chosen else {})}))
