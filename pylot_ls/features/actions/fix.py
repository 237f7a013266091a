"""Mend what a diagnostic says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Offer, Outcome
from pylot_ls.features.actions.checking import checked
from pylot_ls.features.actions.context import MOST_REGION_CHARACTERS
from pylot_ls.features.actions.rewriting import rewritten
from pylot_ls.trace import on_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context, Diagnostic
    from pylot_ls.syntax.definitions import Span

_ERROR = 1
_MOST_OFFERS = 3
_MOST_TITLE_CHARACTERS = 60
_MOST_MESSAGE_CHARACTERS = 1000


class Fix:
    """See ``Action``."""

    kind = "fix"

    def offers(self, context: Context) -> Sequence[Offer]:
        """For each of the first diagnostics."""
        if not context.abilities.chats:
            return ()
        errors = [each for each in context.diagnostics if each.severity == _ERROR]
        offers = []
        for number, each in enumerate(context.diagnostics[:_MOST_OFFERS]):
            problem = _clipped(on_one_line(each.message))
            is_preferred = errors == [each]
            title = context.language.say("Fix: {problem}", problem=problem)
            offers.append(Offer(title, is_preferred=is_preferred, is_pressing=True, diagnostic=number))
        return offers

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        if diagnostic is None and len(context.diagnostics) == 1:
            diagnostic = 0
        if diagnostic is None or not 0 <= diagnostic < len(context.diagnostics):
            raise ActionError(context.language.say("The problem that was to be fixed is gone."))
        what = context.diagnostics[diagnostic]
        there = replace(context, start=what.start, end=what.start)
        region = _region(there, what)
        where = there.shown(there.lines(*_within_view(there, what))).strip()
        code = f" ({what.source} {what.code})".replace("( ", "(").replace(" )", ")") if what.code or what.source else ""
        request = (
            f"A tool says about the line `{where}`:\n{what.message[:_MOST_MESSAGE_CHARACTERS]}{code}\n"
            "Mend that with as small a change as there is."
        )
        new = await rewritten(there, models, region, request)
        return await asyncio.to_thread(checked, there, region, new)


def _region(there: Context, what: Diagnostic) -> Span:
    """The definition that it is in, or its lines where there is none or a long one.

    Raises:
        ActionError: it is in a line that nobody reads.
    """
    region = there.region or there.lines(*_within_view(there, what))
    if region.end - region.start > MOST_REGION_CHARACTERS:
        raise ActionError(there.language.say("Select the code that is meant: here is none, or too much."))
    return region


def _within_view(there: Context, what: Diagnostic) -> tuple[int, int]:
    start = there.view.from_text(what.start)
    end = min(there.view.from_text(max(what.start, what.end)), len(there.view.text))
    return start, max(start, end)


def _clipped(message: str) -> str:
    return message if len(message) <= _MOST_TITLE_CHARACTERS else f"{message[:_MOST_TITLE_CHARACTERS].rstrip()}…"
