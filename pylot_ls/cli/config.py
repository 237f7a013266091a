"""``pylot-ls config``: every setting, what it takes and what it is now."""

from __future__ import annotations

import os
from dataclasses import asdict

from rich.text import Text as Line

from pylot_ls.cli.console import out, print_json
from pylot_ls.cli.options import JsonOption, settings_from
from pylot_ls.config.fields import SettingRow, describe
from pylot_ls.config.settings import Settings
from pylot_ls.config.sources import settings_path
from pylot_ls.config.wording import shown


def command(as_json: JsonOption = False) -> None:
    """List the settings: what each takes, its default, and its value now."""
    settings = settings_from({})
    path = settings_path(os.environ)
    rows = [(row, _value(settings, row.key)) for row in describe()]
    if as_json:
        print_json({"file": str(path), "settings": [{**asdict(row), "now": value} for row, value in rows]})
        return
    out.print(Line(f"settings file: {path}{'' if path.exists() else ' (not there yet)'}"))
    for row, value in rows:
        out.print(_rendered(row, value))


def _value(settings: Settings, key: str) -> str:
    group, name = key.split(".")
    value = getattr(getattr(settings, group), name)
    return "" if value is None else shown(value)


def _rendered(row: SettingRow, value: str) -> Line:
    line = Line("\n")
    line.append(row.key, style="bold")
    line.append(f" = {value or '(not set)'}", style="" if value == row.default else "green")
    line.append(f"\n    {row.description}")
    only = "; from the user only, not from an editor's settings" if row.scope == "user" else ""
    line.append(f"\n    takes {row.type}{only}; {row.env}", style="dim")
    return line
