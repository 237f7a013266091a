"""``pylot-ls hover``: what an editor shows of the name at a place, in the terminal."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from pylot_ls.cli.console import err, fail, print_json, print_text
from pylot_ls.cli.location import Location, read_location
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, overrides, settings_from
from pylot_ls.config.wiring import hover_options, make_pool
from pylot_ls.errors import PylotError
from pylot_ls.features.hover.hovers import Hover, Hovers
from pylot_ls.features.hover.rendering import as_plain_text
from pylot_ls.language import ENGLISH, Language, language_of

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings


def command(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE:COL", help="Where the name is; both count from 1.")],
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print what is shown of the name at a place in a file: its signature, its documentation, an explanation."""
    try:
        location = read_location(place)
        settings = settings_from({**overrides(model, scripted=scripted), "cache": {"enabled": False}})
        found = asyncio.run(_hover(location, settings))
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(_as_dict(found))
    elif found is None:
        err.print("nothing to show here", style="dim")
    else:
        print_text(as_plain_text(found, _language(settings)))


async def _hover(location: Location, settings: Settings) -> Hover | None:
    # Nobody looks again for the rest, so it is waited for.
    options = replace(hover_options(settings, _language(settings)), time_budget_ms=math.inf)
    pool = make_pool(settings)
    pool.start()
    try:
        return await Hovers(lambda: pool).hover(location.document, location.offset, options)
    finally:
        await pool.close()


def _language(settings: Settings) -> Language:
    """The one that is set; what a terminal is told is English otherwise."""
    chosen = settings.user.language
    return ENGLISH if chosen.lower() == "auto" else language_of(chosen)


def _as_dict(found: Hover | None) -> dict[str, object] | None:
    if found is None:
        return None
    usage = found.explanation.usage
    return {
        "name": found.subject.name,
        "signature": found.stated.signature if found.stated else None,
        "documentation": found.stated.documentation if found.stated else None,
        "explanation": found.explanation.text or None,
        "confidence": found.explanation.confidence if found.explanation.text else None,
        "tokens_evaluated": usage.tokens_evaluated,
        "tokens_reused": usage.tokens_reused,
        "tokens_decoded": usage.tokens_decoded,
        "timings": {
            "queue_ms": usage.queue_ms,
            "first_token_ms": usage.first_token_ms,
            "total_ms": usage.total_ms,
        },
    }
