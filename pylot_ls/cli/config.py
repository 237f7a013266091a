"""``pylot-ls config``: every setting, what it takes and what it is now."""

from __future__ import annotations

import os
from dataclasses import asdict

from rich.text import Text as Line

from pylot_ls.cli.console import err, out, print_json
from pylot_ls.cli.options import JsonOption
from pylot_ls.config.fields import SettingRow, describe
from pylot_ls.config.load import load, origins
from pylot_ls.config.settings import Settings
from pylot_ls.config.sources import from_environment, from_file, settings_path
from pylot_ls.config.wording import shown, shown_path


def command(as_json: JsonOption = False) -> None:
    """List the settings: what each takes, its default, its value now and where that comes from."""
    # Nothing is logged here: a log file that cannot be opened must not keep anyone from seeing which one it is.
    sources = (from_file(os.environ), from_environment(os.environ))
    settings, problems = load(sources)
    for problem in problems:
        err.print(f"pylot-ls: {problem.message}", style="yellow", markup=False)
    path = settings_path(os.environ)
    places = origins(sources)
    rows = [(row, _value(settings, row.key), places.get(row.key, "")) for row in describe()]
    if as_json:
        listed = [{**asdict(row), "now": value, "from": place or "default"} for row, value, place in rows]
        print_json({"file": str(path), "settings": listed})
        return
    # A file that could not be read has its problem printed above, whether it is there or not.
    is_missing = not sources[0].problems and not path.exists()
    out.print(Line(f"settings file: {shown_path(path)}{' (not there yet)' if is_missing else ''}"))
    for each in rows:
        out.print(_rendered(*each))


def _value(settings: Settings, key: str) -> str:
    group, name = key.split(".")
    value = getattr(getattr(settings, group), name)
    return "" if value is None else shown(value)


def _rendered(row: SettingRow, value: str, place: str) -> Line:
    line = Line("\n")
    line.append(row.key, style="bold")
    line.append(f" = {value or '(not set)'}", style="green" if place else "")
    if place:
        line.append(f"  from {place}", style="dim")
    line.append(f"\n    {row.description}")
    only = "; from the user only, not from an editor's settings" if row.scope == "user" else ""
    line.append(f"\n    takes {row.type}{only}; {row.env}", style="dim")
    return line
