"""``pylot-ls setup``: connects an editor, after saying what it will do, and takes that out again."""

from __future__ import annotations

import enum
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from pylot_ls.bundled import editors_dir
from pylot_ls.cli.console import err, fail, print_text
from pylot_ls.config import folders
from pylot_ls.editors import emacs, helix, neovim, vscode
from pylot_ls.editors.steps import Plan
from pylot_ls.errors import PylotError, SetupError


class Editor(enum.StrEnum):
    """Which there are."""

    NEOVIM = "neovim"
    HELIX = "helix"
    EMACS = "emacs"
    VSCODE = "vscode"


def command(
    editor: Annotated[Editor, typer.Argument(help="Which one.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take out what an earlier setup put in.")] = False,
    language: Annotated[
        list[str] | None,
        typer.Option(help="Helix only: for which languages, as Helix names them; default: python. May be repeated."),
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Have it join the one server that your editors share; not for VS Code.")
    ] = False,
) -> None:
    """Connect an editor to this installation; files and lines of your own stay as they are."""
    try:
        if language and editor is not Editor.HELIX:
            raise SetupError("--language is for Helix; the other editors have it for every language")
        if shared and editor is Editor.VSCODE:
            raise SetupError("in VS Code, switch on the setting pylot-ls.shared")
        command = (*server_command(), "--shared") if shared else server_command()
        plan = _plan(editor, command, language or ["python"])
        if _is_agreed(plan, yes=yes, dry_run=dry_run, remove=remove):
            _carry_out(plan, remove=remove)
    except PylotError as error:
        fail(error)


def server_command() -> tuple[str, ...]:
    """What starts the server of this very installation, from whatever folder and with whatever PATH."""
    for name in ("pylot-ls", "pylot-ls.exe"):
        script = Path(sys.executable).with_name(name)
        if script.is_file() and os.access(script, os.X_OK):
            return (str(script),)
    return (sys.executable, "-m", "pylot_ls")


def _plan(editor: Editor, program: tuple[str, ...], languages: list[str]) -> Plan:
    source = editors_dir() / editor
    match editor:
        case Editor.NEOVIM:
            return neovim.plan(source, folders.neovim_data_folder(), program)
        case Editor.EMACS:
            init = emacs.init_file(folders.emacs_home(), folders.emacs_config_folder())
            return emacs.plan(source, folders.editor_files_folder() / "emacs", init, program)
        case Editor.HELIX:
            binary = shutil.which("hx") or shutil.which("helix")
            servers = {name: helix.servers_of(binary, name) if binary else [] for name in languages}
            return helix.plan(folders.helix_config_folder() / "languages.toml", program, servers)
        case Editor.VSCODE:
            return vscode.plan(source)


def _is_agreed(plan: Plan, *, yes: bool, dry_run: bool, remove: bool) -> bool:
    """Say what is to be done, and ask."""
    said = [step.said_undone() if remove else step.said() for step in plan.steps]
    said = [each for each in said if each]
    if not said:
        print_text("there is nothing to remove")
        return False
    for each in said:
        print_text(f"- {each}")
    if dry_run:
        print_text("nothing was done (--dry-run)")
        return False
    if yes:
        return True
    if not sys.stdin.isatty():
        raise SetupError("nobody is there to ask: say --yes to do it, or --dry-run to see it only")
    return typer.confirm("Do it?")


def _carry_out(plan: Plan, *, remove: bool) -> None:
    if remove:
        for step in reversed(plan.steps):
            step.undo()
        print_text("removed")
        return
    for n_done, step in enumerate(plan.steps):
        try:
            step.do()
        except PylotError:
            if n_done:
                err.print(
                    f"pylot-ls: {n_done} of {len(plan.steps)} steps were done; --remove undoes them", markup=False
                )
            raise
    print_text(f"done; now {plan.then}")
