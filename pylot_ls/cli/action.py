"""``pylot-ls action``: what an editor's code action does, from the terminal."""

from __future__ import annotations

import asyncio
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote

import typer

from pylot_ls.cli.console import err, fail, out, print_json
from pylot_ls.cli.location import read_selection
from pylot_ls.cli.options import JsonOption, ModelOption, ScriptedOption, overrides, settings_from
from pylot_ls.config.wiring import completion_options, make_pool, user_language
from pylot_ls.engine.manifest import Role
from pylot_ls.errors import ModelError, PylotError
from pylot_ls.features.actions.action import Edited, NewFile, Outcome, Told
from pylot_ls.features.actions.asking import Models
from pylot_ls.features.actions.context import Abilities, Context, Diagnostic
from pylot_ls.features.actions.edits import applied
from pylot_ls.features.actions.kinds import KINDS, action_of, offered
from pylot_ls.features.knowledge import learn
from pylot_ls.features.privacy import file_path

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings
    from pylot_ls.engine.engine import Engine
    from pylot_ls.engine.pool import ModelPool


def command(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}; none with --list.")],
    place: Annotated[
        str, typer.Argument(metavar="FILE:LINE:COL[-LINE:COL]", help="Where; lines and columns count from 1.")
    ] = "",
    as_diff: Annotated[
        bool, typer.Option("--diff/--whole", help="Print a unified diff, or the whole new text.")
    ] = True,
    only_list: Annotated[
        bool, typer.Option("--list", help="Print which kinds apply at the place; no KIND then.")
    ] = False,
    message: Annotated[
        str | None, typer.Option(metavar="TEXT", help="For fix: what a tool says about the place.")
    ] = None,
    model: ModelOption = None,
    scripted: ScriptedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Do what an editor's code action does, and print what it would change; no file is written."""
    if only_list and not place:
        kind, place = "", kind
    try:
        action_of(kind) if kind else None
        document, start, end = read_selection(place)
        said = () if message is None else (Diagnostic(message, start, end),)
        settings = settings_from({**overrides(model, scripted=scripted), "cache": {"enabled": False}})
        context = Context(document, start, end, said, language=user_language(settings))
        if only_list:
            _print_list(asyncio.run(_list(context, settings)), as_json=as_json)
            return
        outcome = asyncio.run(_perform(kind, context, settings))
    except PylotError as error:
        fail(error)
    if as_json:
        print_json(_as_dict(context, kind, outcome))
    else:
        _print(context, outcome, as_diff=as_diff)
    if isinstance(outcome, Told) and outcome.reason:
        err.print(f"pylot-ls: {outcome.reason}", style="red", markup=False)
        raise typer.Exit(1)


async def _perform(kind: str, context: Context, settings: Settings) -> Outcome:
    pool = make_pool(settings)
    pool.start()
    try:
        context = await _able(context, pool)

        async def fill() -> Engine:
            learn(context.document, pool.complete)
            return pool.complete

        async def chat() -> Engine:
            return await pool.engine(Role.CHAT)

        models = Models(fill, chat, completion_options(settings).prompt)
        return await action_of(kind).perform(context, models, 0 if context.diagnostics else None)
    finally:
        await pool.close()


async def _list(context: Context, settings: Settings) -> list[tuple[str, str]]:
    pool = make_pool(settings)
    pool.start()
    try:
        return [(kind, offer.title) for kind, offer in offered(await _able(context, pool))]
    finally:
        await pool.close()


async def _able(context: Context, pool: ModelPool) -> Context:
    """The context, with what the models can do."""
    info = await pool.complete.ready()
    try:
        chats = (await (await pool.engine(Role.CHAT)).ready()).chats
    except ModelError:
        chats = False
    abilities = Abilities.of(info, chats=chats)
    return Context(context.document, context.start, context.end, context.diagnostics, abilities, context.language)


def _print_list(found: list[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        print_json([{"kind": kind, "title": title} for kind, title in found])
        return
    for kind, title in found:
        _print_exactly(f"{kind:10} {title}\n")
    if not found:
        err.print("nothing applies here", style="dim")


def _print(context: Context, outcome: Outcome, *, as_diff: bool) -> None:
    path = file_path(context.document.uri) or Path()
    if isinstance(outcome, Told):
        _print_exactly(outcome.text if outcome.text.endswith("\n") else f"{outcome.text}\n")
    elif isinstance(outcome, NewFile):
        name = str(path.with_name(_free_name(path, outcome)))
        _print_exactly(_diff("", outcome.text, "/dev/null", name) if as_diff else outcome.text)
    else:
        before = str(context.document.text)
        after = applied(before, outcome.replacements)
        _print_exactly(_diff(before, after, str(path), str(path)) if as_diff else after)


def _print_exactly(text: str) -> None:
    out.out(text, end="", highlight=False)


def _diff(before: str, after: str, old: str, new: str) -> str:
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), old, new, lineterm="")
    return "\n".join(lines) + "\n"


def _free_name(path: Path, outcome: NewFile) -> str:
    names = [unquote(name) for name in outcome.names]
    return next((name for name in names if not path.with_name(name).exists()), names[0])


def _as_dict(context: Context, kind: str, outcome: Outcome) -> dict[str, object]:
    """Offsets count characters from the start of the file."""
    found: dict[str, object] = {"kind": kind, "edits": [], "file": None, "text": None, "reason": None, "name": None}
    if isinstance(outcome, Edited):
        found["edits"] = [{"start": each.start, "end": each.end, "text": each.text} for each in outcome.replacements]
    elif isinstance(outcome, NewFile):
        path = file_path(context.document.uri) or Path()
        found["file"] = {"name": _free_name(path, outcome), "text": outcome.text}
    else:
        found |= {"text": outcome.text, "reason": outcome.reason or None, "name": outcome.name or None}
    return found
