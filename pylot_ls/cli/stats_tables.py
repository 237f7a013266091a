"""What became of suggestions, added up, as a table and a plot to read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from rich.console import Group
from rich.table import Table
from rich.text import Text as Line

from pylot_ls.features.feedback import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from rich.console import RenderableType

    from pylot_ls.features.feedback_log import FeedbackTotal

_Key = TypeVar("_Key")

_PLOT_WIDTH = 40
# More bars than these no screen holds; those of the last days are shown.
_MOST_BARS = 31


@dataclass(frozen=True, slots=True)
class SuggestionFigures:
    """Suggestions of some days and languages.

    Attributes:
        shown: suggestions.
        accepted: those of them of which any was accepted.
        acceptance_rate: accepted of shown, 0 to 1; None where none was shown.
        accepted_line, accepted_word: of the accepted, those accepted by the line and by the word.
        typed: those that the user typed, or their beginning, instead.
        rejected: those in whose place something else was put.
        ignored: those from which the user went on elsewhere.
        accepted_characters: of what was accepted.
        kept_characters: of that, what was still there half a minute later, or when the file was closed before.
    """

    shown: int
    accepted: int
    acceptance_rate: float | None
    accepted_line: int
    accepted_word: int
    typed: int
    rejected: int
    ignored: int
    accepted_characters: int
    kept_characters: int


def summed(totals: Iterable[FeedbackTotal]) -> SuggestionFigures:
    """All of them."""
    n_by_verdict = dict.fromkeys(Verdict, 0)
    n_accepted = n_kept = 0
    for total in totals:
        n_by_verdict[total.verdict] += total.n_suggestions
        n_accepted += total.n_accepted
        n_kept += total.n_kept
    shown = sum(n_by_verdict.values())
    accepted = sum(n for verdict, n in n_by_verdict.items() if verdict.is_acceptance)
    return SuggestionFigures(
        shown=shown,
        accepted=accepted,
        acceptance_rate=accepted / shown if shown else None,
        accepted_line=n_by_verdict[Verdict.ACCEPTED_LINE],
        accepted_word=n_by_verdict[Verdict.ACCEPTED_WORD],
        typed=n_by_verdict[Verdict.TYPED],
        rejected=n_by_verdict[Verdict.REJECTED],
        ignored=n_by_verdict[Verdict.IGNORED],
        accepted_characters=n_accepted,
        kept_characters=n_kept,
    )


def by_language(totals: Iterable[FeedbackTotal]) -> dict[str, SuggestionFigures]:
    """Of each language, in their order."""
    return _grouped(totals, lambda total: total.language)


def by_day(totals: Iterable[FeedbackTotal]) -> dict[date, SuggestionFigures]:
    """Of each day with any, in their order."""
    return _grouped(totals, lambda total: total.day)


def by_day_and_language(totals: Iterable[FeedbackTotal]) -> dict[tuple[date, str], SuggestionFigures]:
    """Of each language on each day with any, in their order."""
    return _grouped(totals, lambda total: (total.day, total.language))


def _grouped(totals: Iterable[FeedbackTotal], key: Callable[[FeedbackTotal], _Key]) -> dict[_Key, SuggestionFigures]:
    groups: defaultdict[_Key, list[FeedbackTotal]] = defaultdict(list)
    for total in totals:
        groups[key(total)].append(total)
    return {each: summed(groups[each]) for each in sorted(groups, key=str)}


def rendered(totals: list[FeedbackTotal], since: date, today: date) -> RenderableType:
    """The table by day and language, its sums, and the plot of the days from ``since`` until ``today``."""
    table = Table(title=f"suggestions from {since} to {today}")
    for name in ("day", "language"):
        table.add_column(name, no_wrap=True)
    for name in ("shown", "accepted", "rate", "characters accepted", "kept"):
        table.add_column(name, justify="right")
    previous = None
    for (day, language), figures in by_day_and_language(totals).items():
        table.add_row("" if day == previous else str(day), Line(language or "-"), *_cells(figures))
        previous = day
    table.add_section()
    languages = by_language(totals)
    if len(languages) > 1:
        for language, figures in languages.items():
            table.add_row("all days", Line(language or "-"), *_cells(figures))
    everything = summed(totals)
    table.add_row("all days", "all", *_cells(everything), style="bold")
    return Group(table, _sentence(everything), "", *_plot(by_day(totals), since, today))


def _cells(figures: SuggestionFigures) -> Iterator[str]:
    yield str(figures.shown)
    yield str(figures.accepted)
    yield _percent(figures.accepted, figures.shown)
    yield str(figures.accepted_characters)
    yield f"{figures.kept_characters} ({_percent(figures.kept_characters, figures.accepted_characters)})"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _sentence(figures: SuggestionFigures) -> str:
    whole = figures.accepted - figures.accepted_line - figures.accepted_word
    return (
        f"accepted: {whole} whole, {figures.accepted_line} by line, {figures.accepted_word} by word; "
        f"not accepted: {figures.typed} typed instead, {figures.rejected} rejected, {figures.ignored} ignored"
    )


def _plot(days: dict[date, SuggestionFigures], since: date, today: date) -> Iterator[Line]:
    """One bar a day: what was shown, with what was accepted of it in its beginning."""
    first = max(since, today - timedelta(days=_MOST_BARS - 1), min(days))
    most = max(figures.shown for figures in days.values())
    yield Line("█ accepted ░ shown")
    for n in range((today - first).days + 1):
        day = first + timedelta(days=n)
        line = Line(f"{day:%m-%d} ")
        figures = days.get(day)
        if figures is not None:
            width = max(1, round(_PLOT_WIDTH * figures.shown / most))
            filled = round(width * figures.accepted / figures.shown)
            line.append("█" * filled, style="green").append("░" * (width - filled), style="dim")
            line.append(f" {figures.accepted} of {figures.shown} ({_percent(figures.accepted, figures.shown)})")
        yield line
