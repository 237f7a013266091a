"""``pylot-ls stats``: what became of suggestions, and how to be rid of the log of it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from pylot_ls.cli.console import err, fail, print_json, print_text
from pylot_ls.cli.options import JsonOption, settings_from
from pylot_ls.cli.stats_tables import by_day, by_day_and_language, by_language, rendered, summed
from pylot_ls.config.feedback import feedback_log
from pylot_ls.errors import FeedbackLogError
from pylot_ls.features.feedback_log import FeedbackLog, FeedbackTotal


def command(
    days: Annotated[int, typer.Option(min=1, max=36500, help="So many days back, today included.")] = 30,
    as_json: JsonOption = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove every trace of it instead.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before removing it.")] = False,
) -> None:
    """Tell how many suggestions were shown and accepted, and how much of what was accepted stayed.

    It is counted on this machine and goes nowhere. The setting feedback.enabled switches it off.
    """
    log = feedback_log()
    if clear:
        _clear(log, is_certain=yes)
        return
    if yes:
        raise typer.BadParameter("--yes goes with --clear")
    is_on = settings_from({}).feedback.enabled
    today = datetime.now().astimezone().date()
    since = today - timedelta(days=days - 1)
    try:
        totals = log.totals(since)
    except FeedbackLogError as error:
        fail(FeedbackLogError(f"the log {log.path} cannot be read: {error}. `pylot-ls stats --clear` removes it."))
    if as_json:
        print_json({"file": str(log.path), "logging": is_on, "days": days, **_plain(totals)})
    elif totals:
        # Of a table cut at the terminal's edge nobody can read the end: narrower columns wrap.
        Console(highlight=False).print(rendered(totals, since, today))
    else:
        print_text(_nothing(days, is_on=is_on))


def _plain(totals: list[FeedbackTotal]) -> dict[str, object]:
    return {
        "total": asdict(summed(totals)),
        "by_language": {language: asdict(figures) for language, figures in by_language(totals).items()},
        "by_day": {day.isoformat(): asdict(figures) for day, figures in by_day(totals).items()},
        "by_day_and_language": [
            {"day": day.isoformat(), "language": language, **asdict(figures)}
            for (day, language), figures in by_day_and_language(totals).items()
        ],
    }


def _nothing(days: int, *, is_on: bool) -> str:
    when = "today" if days == 1 else f"in the last {days} days"
    if not is_on:
        return f"No suggestion was logged {when}: feedback.enabled is off in your settings. Set it to true to see some."
    return (
        f"No suggestion was shown {when}. Connect an editor to pylot-ls (the README says how), type, accept what you "
        "like, and look here again. What became of each suggestion is counted on this machine and goes nowhere."
    )


def _clear(log: FeedbackLog, *, is_certain: bool) -> None:
    if not is_certain:
        if not sys.stdin.isatty():
            err.print("pylot-ls: nothing was removed: confirm it with --yes", style="red", markup=False)
            raise typer.Exit(1)
        typer.confirm(f"Remove all that is known of past suggestions ({log.path})?", abort=True)
    try:
        was_there = log.clear()
    except FeedbackLogError as error:
        fail(FeedbackLogError(f"the log {log.path} cannot be removed: {error}"))
    print_text(f"removed {log.path}" if was_there else f"there is no log in {log.path.parent}")
