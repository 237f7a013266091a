"""``pylot-ls complete``: one suggestion, from the terminal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from pylot_ls.cli.console import err, fail, print_json, print_text
from pylot_ls.cli.costs import costs
from pylot_ls.cli.location import Location, read_location
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, overrides, settings_from
from pylot_ls.config.wiring import completion_options, make_backend
from pylot_ls.engine.engine import Engine
from pylot_ls.errors import PylotError
from pylot_ls.features.completion import Completion, complete
from pylot_ls.features.knowledge import learn

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings


def command(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE:COL", help="Where the cursor is; both count from 1.")],
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the suggestion at a place in a file."""
    try:
        settings = settings_from(overrides(model, scripted=scripted))
        completion = asyncio.run(_complete(read_location(place), settings))
    except PylotError as error:
        fail(error)
    text = completion.suggestion.text if completion.suggestion else ""
    if as_json:
        print_json(_as_dict(completion, text))
    elif text:
        print_text(text)
    else:
        err.print("no suggestion here", style="dim")


async def _complete(location: Location, settings: Settings) -> Completion:
    options = replace(completion_options(settings, by_hand=True), n_candidates=1)
    engine = Engine(make_backend(settings))
    engine.start()
    learn(location.document, engine)
    try:
        return await complete(location.document, location.offset, engine, options)
    finally:
        await engine.close()


def _as_dict(completion: Completion, text: str) -> dict[str, object]:
    return {
        "text": text,
        "confidence": completion.suggestion.confidence if completion.suggestion else None,
        **costs(completion.usage),
    }
