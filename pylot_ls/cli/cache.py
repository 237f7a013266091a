"""``pylot-ls cache``: what the prefix cache holds on disk, and how to be rid of it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from pylot_ls.cli.console import err, fail, print_json, print_text
from pylot_ls.cli.options import JsonOption, settings_from
from pylot_ls.config.cache import BYTES_IN_MB, clear_cache, kv_folder
from pylot_ls.errors import SettingsError
from pylot_ls.kvcache.clearing import FolderContent, look_into

app = typer.Typer(help="See or clear what is kept on disk of evaluated prompts.", no_args_is_help=True)


@app.command("info")
def info(as_json: JsonOption = False) -> None:
    """Say what is on disk; nothing is changed."""
    settings = settings_from({}).cache
    folder, content = kv_folder(), look_into(kv_folder())
    limit_bytes, daily_bytes = settings.disk_limit_mb * BYTES_IN_MB, settings.daily_write_mb * BYTES_IN_MB
    is_used = settings.enabled and limit_bytes > 0
    if as_json:
        limits = {"used": is_used, "limit_bytes": limit_bytes, "daily_write_bytes": daily_bytes}
        print_json({"folder": str(folder), **limits, **asdict(content)})
        return
    print_text(f"folder: {folder}{'' if is_used else ' (not used: switched off in the settings)'}")
    print_text(f"on disk: {_held(content)}; the limit is {_megabytes(limit_bytes)}")
    print_text(f"written today: {_megabytes(content.bytes_written_today)} of at most {_megabytes(daily_bytes)}")
    if content.problem:
        err.print(f"problem: {content.problem}", style="yellow", markup=False)


@app.command("clear")
def clear(as_json: JsonOption = False) -> None:
    """Remove all of it from disk; a server that runs goes on, and keeps what it has in memory."""
    folder = kv_folder()
    try:
        content = clear_cache()
    except SettingsError as error:
        fail(error)
    if as_json:
        removed = {"n_entries": content.n_entries, "n_bytes": content.n_bytes}
        print_json({"folder": str(folder), **removed})
    else:
        print_text(f"removed {_held(content)} from {folder}")


def _held(content: FolderContent) -> str:
    entries = "1 entry" if content.n_entries == 1 else f"{content.n_entries} entries"
    return f"{entries}, {_megabytes(content.n_bytes)}"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / BYTES_IN_MB:.1f} MiB"
