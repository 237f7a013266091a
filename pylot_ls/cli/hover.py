"""``pylot-ls hover``: what an editor shows of the code at a place, in the terminal."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from pylot_ls.cli.console import err, fail, print_json, print_text
from pylot_ls.cli.costs import costs
from pylot_ls.cli.location import read_selection
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, overrides, settings_from
from pylot_ls.config.wiring import hover_options, make_pool, user_language
from pylot_ls.errors import PylotError
from pylot_ls.features.hover.hovers import Hover, Hovers
from pylot_ls.features.hover.rendering import as_plain_text

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings
    from pylot_ls.text.document import Document


def command(
    place: Annotated[
        str, typer.Argument(metavar="FILE:LINE:COL[-LINE:COL]", help="Where; lines and columns count from 1.")
    ],
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print what is shown of the code at a place in a file: signature and documentation of a name, an explanation."""
    try:
        document, start, end = read_selection(place)
        settings = settings_from({**overrides(model, scripted=scripted), "cache": {"enabled": False}})
        found = asyncio.run(_hover(document, (start, end), settings))
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(_as_dict(found))
    elif found is None:
        err.print("nothing to show here", style="dim")
    else:
        print_text(as_plain_text(found, user_language(settings)))


async def _hover(document: Document, places: tuple[int, int], settings: Settings) -> Hover | None:
    # Nobody looks again for the rest, so it is waited for.
    options = replace(hover_options(settings, user_language(settings)), time_budget_ms=math.inf)
    pool = make_pool(settings)
    pool.start()
    try:
        return await Hovers(lambda: pool).hover(document, places, options)
    finally:
        await pool.close()


def _as_dict(found: Hover | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "name": found.subject.name,
        "signature": found.stated.signature if found.stated else None,
        "documentation": found.stated.documentation if found.stated else None,
        "explanation": found.explanation.text or None,
        "confidence": found.explanation.confidence if found.explanation.text else None,
        **costs(found.explanation.usage),
    }
