"""``pylot-ls serve``: one server for all editors of the user, and what becomes of it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from pylot_ls.cli.console import err, fail, print_json, print_text
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, overrides, settings_from
from pylot_ls.cli.serve_http import HttpFlags
from pylot_ls.errors import PylotError

_MIB = 2**20


def command(
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    log_level: Annotated[str | None, typer.Option(help="error, warning, info or debug.")] = None,
    log_file: Annotated[Path | None, typer.Option(help="Where the log goes; default: beside the socket.")] = None,
    idle_exit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0, help="End after so long without an editor; default 900, 0 is never."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve HTTP here, too: OpenAI's API, llama-server's, LSP.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where HTTP listens; default: for this machine alone.")] = "127.0.0.1",
    no_keys: Annotated[bool, typer.Option("--no-keys", help="Ask for no API key; for this machine alone.")] = False,
    allow_host: Annotated[list[str] | None, typer.Option(help="A further name of this machine for HTTP.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="A web page's origin that may ask.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="HTTPS with this certificate (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The key of the certificate (PEM).")] = None,
    status: Annotated[bool, typer.Option("--status", help="Tell about the server that runs.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the server that runs.")] = False,
    install: Annotated[bool, typer.Option("--install", help="Have it started at each login.")] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Have it started no longer.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --install: only show what it writes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Serve all editors that are started with `pylot-ls --shared`: one process, one model in memory.

    Editors start it by themselves. It listens on a socket in a folder that is yours alone.
    """
    if sum((status, stop, install, uninstall)) > 1:
        raise typer.BadParameter("--status, --stop, --install and --uninstall are one at a time")
    http = HttpFlags(port, host, no_keys, tuple(allow_host or ()), tuple(allow_origin or ()), tls_cert, tls_key)
    http.check()
    log = {name: str(value) for name, value in (("level", log_level), ("file", log_file)) if value is not None}
    try:
        if status:
            _status(as_json=as_json)
        elif stop:
            _stop(as_json=as_json)
        elif install or uninstall:
            options = _options(model, scripted=scripted, log=log) + http.as_arguments()
            _service(options, uninstall=uninstall, dry_run=dry_run)
        else:
            # Imported here: the other commands need none of it, and it takes its time.
            from pylot_ls.serving.daemon import IDLE_EXIT_S  # noqa: PLC0415
            from pylot_ls.serving.run import serve  # noqa: PLC0415

            chosen = overrides(model, scripted=scripted)
            chosen["log"] = {**log}
            if err.is_terminal:
                err.print("serving editors that run `pylot-ls --shared`; Ctrl-C ends it", markup=False)
            serve(settings_from(chosen), IDLE_EXIT_S if idle_exit is None else idle_exit, http.options())
    except PylotError as error:
        fail(error)


def _status(*, as_json: bool) -> None:
    from pylot_ls.serving.run import status  # noqa: PLC0415 - as above

    found = status()
    if as_json:
        print_json({"running": found is not None, **(found or {})})
    elif found is None:
        print_text("no shared server is running; editors with `pylot-ls --shared` start one")
    else:
        for line in _lines(found):
            print_text(line)
    if found is None:
        raise typer.Exit(1)


def _lines(found: dict[str, Any]) -> list[str]:
    uptime = timedelta(seconds=int(found["uptime_s"]))
    lines = [
        f"pylot-ls {found['version']}, process {found['pid']}, up {uptime}, {found['memory_bytes'] // _MIB} MiB",
        f"log: {found['log']}",
        f"editors: {len(found['editors'])}",
        *([f"HTTP: {found['url']}, {found['n_requests']} requests at work"] if found.get("url") else []),
    ]
    for model in found["models"]:
        name = model["info"]["name"] if "info" in model else model.get("message", "")
        counts = model.get("counts", {})
        served = f", {counts['n_requests']} requests served" if counts else ""
        lines.append(f"model for {' and '.join(model['roles'])}: {model['state']} {name}".rstrip() + served)
    return lines


def _stop(*, as_json: bool) -> None:
    from pylot_ls.serving.run import stop  # noqa: PLC0415 - as above

    pid = stop()
    if as_json:
        print_json({"was_running": pid is not None, "pid": pid})
    else:
        print_text("no shared server was running" if pid is None else f"process {pid} has ended")


def _options(model: Path | None, *, scripted: bool, log: dict[str, str]) -> list[str]:
    """The options that the service's server is to have."""
    options = [f"--model={model.absolute()}"] if model is not None else []
    options += ["--scripted"] if scripted else []
    return options + [
        f"--log-{name}={Path(value).absolute() if name == 'file' else value}" for name, value in log.items()
    ]


def _service(options: list[str], *, uninstall: bool, dry_run: bool) -> None:
    from pylot_ls.serving.units import service  # noqa: PLC0415 - as above

    found = service(options, os.getuid() if hasattr(os, "getuid") else 0)
    if uninstall:
        print_text(f"removed {found.path}" if found.uninstall() else f"there is no {found.path}")
        return
    if dry_run:
        err.print(f"would write {found.path}, then run:", markup=False)
        for each in found.starts:
            err.print(f"  {' '.join(each)}", markup=False)
        print_text(found.content.rstrip("\n"))
        return
    found.install()
    print_text(f"wrote {found.path}; the server runs and starts at each login")
