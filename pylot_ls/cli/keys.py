"""``pylot-ls keys``: who may ask the server over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pylot_ls.cli.console import fail, print_json, print_text
from pylot_ls.cli.options import JsonOption
from pylot_ls.errors import PylotError

if TYPE_CHECKING:
    from pylot_ls.api.keys import KeyBook

app = typer.Typer(help="Make, list and revoke keys for `pylot-ls serve --port`.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")]


@app.command("create")
def create(
    name: NameArgument,
    most_running: Annotated[int | None, typer.Option(min=1, help="Requests at once.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="Evaluated and decoded.")] = None,
    for_editors: Annotated[
        bool, typer.Option("--for-editors", help="Your own: it opens LSP over WebSocket, too, and shares your cache.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    try:
        key = _book().create(
            name, shares_editors=for_editors, most_running=most_running, tokens_per_minute=tokens_per_minute
        )
    except PylotError as error:
        fail(error)
    if as_json:
        print_json({"name": name, "key": key})
    else:
        print_text(key)


@app.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """Say which keys there are; never the keys themselves."""
    try:
        entries = _book().entries()
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(
            [
                {
                    "name": entry.name,
                    "created": entry.created,
                    "for_editors": not entry.salt,
                    "most_running": entry.most_running,
                    "tokens_per_minute": entry.tokens_per_minute,
                }
                for entry in entries
            ]
        )
        return
    for entry in entries:
        day = datetime.fromtimestamp(entry.created).astimezone().date()
        print_text(f"{entry.name}, made {day}{'' if entry.salt else ', for editors, too'}")
    if not entries:
        print_text("there are no keys; `pylot-ls serve --port` makes yours")


@app.command("revoke")
def revoke(name: NameArgument) -> None:
    """Make a key worthless, at once."""
    try:
        _book().revoke(name)
    except PylotError as error:
        fail(error)
    print_text(f"the key of {name} is worthless now")


def _book() -> KeyBook:
    # Imported here: other commands need none of it, and it takes its time.
    from pylot_ls.serving.http import key_book  # noqa: PLC0415

    return key_book()
