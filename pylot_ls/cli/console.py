"""What the commands print, and where: results to stdout, everything about them to stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from pylot_ls.errors import PylotError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON value, for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def print_text(text: str) -> None:
    """Text as it is, with no markup in it."""
    out.print(text, markup=False)


def fail(error: PylotError) -> NoReturn:
    """Say what is wrong and end with exit code 1."""
    err.print(f"pylot-ls: {error}", style="red", markup=False)
    raise typer.Exit(1)
