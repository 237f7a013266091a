"""``pylot-ls models``: which models there are, fetching one, and choosing what each is used for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from pylot_ls import machine
from pylot_ls.cli import models_tables
from pylot_ls.cli.console import err, fail, out, print_json, print_text
from pylot_ls.cli.options import JsonOption, settings_from
from pylot_ls.config.cache import speed_book
from pylot_ls.config.fields import FIELDS
from pylot_ls.config.folders import make_private, models_folder
from pylot_ls.config.sources import settings_path
from pylot_ls.config.wiring import memory_limit_bytes, wishes
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.memory import room_now
from pylot_ls.engine.probe import probe
from pylot_ls.engine.threads import automatic_threads
from pylot_ls.errors import ModelError, PylotError
from pylot_ls.library.catalogue import find, forget_partials, installed_path, load_catalogue
from pylot_ls.library.choice import SETTING_OF_ROLE, is_path, path_to_use

app = typer.Typer(help="List models, fetch them, choose one.", no_args_is_help=True)

_NameArgument = Annotated[str, typer.Argument(metavar="NAME[:QUANT]", help="A model that `models list` shows.")]
_NameOrPathArgument = Annotated[
    str, typer.Argument(metavar="NAME[:QUANT]|PATH", help="A model that `models list` shows, or a GGUF file.")
]


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models that can be had, and those that are here; what fits this machine is a forecast."""
    here = _machine()
    try:
        rows = [models_tables.row_of(entry, here) for entry in load_catalogue(models_folder())]
    except PylotError as error:
        fail(error)
    if as_json:
        print_json([models_tables.as_dict(row) for row in rows])
        return
    out.print(models_tables.models_table(rows))
    print_text(models_tables.caption(here))


@app.command("pull")
def pull_model(reference: _NameArgument) -> None:
    """Fetch a model from the Hugging Face hub; an interrupted one goes on where it was."""
    # The server starts through this file, and should not wait for the hub's library.
    from pylot_ls.library.pull import pull  # noqa: PLC0415

    try:
        folder = models_folder()
        entry, quantization = find(load_catalogue(folder), reference)
        file = entry.file(quantization)
        destination = installed_path(folder, entry.name, file)
        if destination.exists():
            print_text(f"{entry.name}:{file.quantization} is here already: {destination}")
            return
        make_private(folder)
        err.print(f"fetching {file.file} from {file.repository}, licence {entry.manifest.license}", markup=False)
        if entry.manifest.license_note:
            err.print(f"note: {entry.manifest.license_note}", style="yellow", markup=False)
        with _progress() as progress:
            task = progress.add_task(destination.name, total=None)
            pull(file, destination, lambda done, total: progress.update(task, completed=done, total=total))
    except PylotError as error:
        fail(error)
    except KeyboardInterrupt:
        fail(ModelError("interrupted; what has been fetched is kept, and the same command goes on from there"))
    print_text(str(destination))
    for role in entry.roles:
        option = "" if role is Role.COMPLETE else f" --role {role}"
        print_text(f"to {role} with it: pylot-ls models use {entry.name}:{file.quantization}{option}")


@app.command("info")
def info(reference: _NameOrPathArgument, as_json: JsonOption = False) -> None:
    """Say what is known of a model, or of any GGUF file from its metadata, read in a process of its own."""
    try:
        facts = _facts_of_file(Path(reference)) if is_path(reference) else _facts_of_model(reference)
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(facts)
        return
    for line in models_tables.lines(facts):
        print_text(line)


@app.command("use")
def use(
    reference: _NameOrPathArgument,
    role: Annotated[Role, typer.Option(help="What for.")] = Role.COMPLETE,
) -> None:
    """Make a model the one that is used for a role, in your settings file; nothing else in it changes."""
    from pylot_ls.config.user_file import set_in_file, unset_in_file  # noqa: PLC0415 - as above

    file = settings_path(os.environ)
    field = FIELDS[SETTING_OF_ROLE[role]]
    try:
        path = path_to_use(reference, role, models_folder())
        if path is None:
            unset_in_file(file, field.group, field.name)
        else:
            set_in_file(file, field.group, field.name, str(path))
    except PylotError as error:
        fail(error)
    print_text(f"{file}: {field.key} is {path or 'not set, so the bundled model completes'}")
    if os.environ.get(field.env_name, "").strip():
        err.print(
            f"note: {field.env_name} is set in the environment and goes before the file", style="yellow", markup=False
        )


@app.command("rm")
def remove(reference: _NameArgument) -> None:
    """Remove a fetched model, in one quantisation or in all, and what was fetched of it in part."""
    try:
        folder = models_folder()
        entry, quantization = find(load_catalogue(folder), reference)
        if entry.is_bundled:
            raise ModelError(f"{entry.name} came with pylot-ls and goes with it")
        forget_partials(folder, entry)
        paths = [entry.path(quantization)] if quantization else list(entry.installed.values()) or [entry.path()]
        settings = settings_from({})
        for used in (settings.model.path, settings.roles.chat, settings.roles.embed):
            if used in paths:
                raise ModelError(f"{used} is the model in use; choose another first: pylot-ls models use NAME")
        for path in paths:
            path.unlink()
            print_text(f"removed {path}")
    except PylotError as error:
        fail(error)
    except OSError as error:
        fail(ModelError(f"{reference} cannot be removed: {error.strerror or error}"))


@app.command("path")
def print_path(reference: _NameArgument) -> None:
    """Print where a model's file lies."""
    try:
        entry, quantization = find(load_catalogue(models_folder()), reference)
        print_text(str(entry.path(quantization)))
    except PylotError as error:
        fail(error)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    return Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=err)


def _facts_of_file(path: Path) -> dict[str, object]:
    return models_tables.facts_of_file(path, probe(path), _machine())


def _machine() -> models_tables.Machine:
    settings = settings_from({})
    room = room_now(memory_limit_bytes(settings)).at_best
    n_threads, n_cores = settings.model.n_threads, machine.physical_cores()
    return models_tables.Machine(
        room, wishes(settings), lambda n_bytes: n_threads or automatic_threads(n_bytes, n_cores), speed_book()
    )


def _facts_of_model(reference: str) -> dict[str, object]:
    entry, quantization = find(load_catalogue(models_folder()), reference)
    if not entry.manifest.name:  # of a file of the user's own only its metadata tell
        return _facts_of_file(entry.path(quantization))
    row = models_tables.row_of(entry, _machine())
    return models_tables.facts_of_model(row)
