"""Add a definition's documentation, or complete it."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Offer, Outcome
from pylot_ls.features.actions.answer import prose_in
from pylot_ls.features.actions.checking import checked
from pylot_ls.features.actions.forms import LANGUAGE_IDS, Hole, hole_for, opened, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context

_MAX_TOKENS = 192
_MAX_CHAT_TOKENS = 512
_STOPS = {"python": ('"""', "'''"), "rust": (), "go": ()}
# A definition that says more than this about itself needs no completing.
_MOST_PRESENT_LINES = 2


class Docstring:
    """See ``Action``. Models that complete write it into a hole where it stands; others are asked for it."""

    kind = "docstring"

    def offers(self, context: Context) -> Sequence[Offer]:
        """Where a definition has no documentation, or hardly any."""
        hole = hole_at(context)
        if hole is None or not (context.abilities.chats or context.abilities.fills):
            return ()
        name = context.definition.name if context.definition else ""
        if not hole.present:
            return (Offer(context.language.say("Document {name}", name=name), is_preferred=True),)
        if len(hole.present) <= _MOST_PRESENT_LINES:
            return (Offer(context.language.say("Complete the documentation of {name}", name=name)),)
        return ()

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        hole = hole_at(context)
        if hole is None:
            raise ActionError(context.language.say("There is nothing here that could be documented."))
        lines = await documentation(context, models, hole)
        return await asyncio.to_thread(_placed, context, hole, lines)


def hole_at(context: Context) -> Hole | None:
    """Where the documentation of the definition at a place goes; None where there is none."""
    definition, language_id = context.definition, context.document.language_id
    if definition is None or not definition.name or language_id not in LANGUAGE_IDS:
        return None
    return hole_for(context.view.text, definition, language_id)


async def documentation(context: Context, models: Models, hole: Hole) -> list[str]:
    """The lines of documentation that a model writes, those that there were included.

    Raises:
        ActionError, ModelError, EngineError: as ``Models.answer``.
    """
    if context.abilities.chats:
        answer = await models.answer(context, _question(context, hole), _MAX_CHAT_TOKENS)
        lines = prose_in(answer)
    else:
        lines = [*hole.present, *([""] if hole.present else []), *await _filled(context, models, hole)]
    if not any(line.strip() for line in lines):
        raise ActionError(context.language.say("The model had nothing to say; nothing was changed."))
    return lines


async def _filled(context: Context, models: Models, hole: Hole) -> list[str]:
    language_id = context.document.language_id
    before, after = opened(hole.present, hole.indentation, language_id)
    text, view = context.document.text, context.view
    start, end = view.to_text(hole.replaced.start), view.to_text(hole.replaced.end)
    prefix = (hole.before if not hole.present else "") + before
    with_hole = text.replace(start, end, prefix + after + hole.after)
    stops = _STOPS.get(language_id, ("*/",))
    answer = await models.filled(
        context, with_hole, start + len(prefix), _MAX_TOKENS, stops, lambda so_far: _complete(so_far, language_id)
    )
    return _unmarked(answer, language_id)


def _complete(so_far: str, language_id: str) -> str | None:
    """All of a documentation of line comments, or of a paragraph that is followed by nothing."""
    mark = {"rust": "///", "go": "//"}.get(language_id)
    if mark is None:
        return None
    lines = so_far.split("\n")
    end = next((n for n, line in enumerate(lines) if n and line.strip() and not line.lstrip().startswith(mark)), None)
    if end is None:
        end = next((n for n, line in enumerate(lines[:-1]) if n and not line.strip()), None)
    return None if end is None else "\n".join(lines[:end])


def _unmarked(answer: str, language_id: str) -> list[str]:
    """The text without what its lines begin with."""
    if language_id == "python":
        return [line.rstrip() for line in inspect.cleandoc(answer).split("\n")]
    first, *rest = answer.strip().split("\n")
    stripped = [re.sub(r"\A\s*(\*(?!/)|///?)? ?", "", line).rstrip() for line in rest]
    while stripped and not stripped[-1]:
        stripped.pop()
    return [first.rstrip(), *stripped]


def _placed(context: Context, hole: Hole, lines: Sequence[str]) -> Outcome:
    text = written(lines, hole.indentation, context.document.language_id)
    region = context.lines(hole.replaced.start, hole.replaced.end)
    view = context.view.text
    kept_before, kept_after = view[region.start : hole.replaced.start], view[hole.replaced.end : region.end]
    new = kept_before + hole.before + text + hole.after + kept_after
    return checked(context, region, new, keeps_code=True)


def _question(context: Context, hole: Hole) -> str:
    definition = context.definition
    name = definition.name if definition else ""
    present = "\n".join(hole.present)
    so_far = f"It says so far:\n{present}\nKeep that, and add what is missing.\n" if present else ""
    return (
        f"Write the documentation of `{name}`, in {context.language.name}: first one sentence of what it does; then, "
        f"only if they need it, its parameters, result and errors. {so_far}"
        "Answer with its text alone in one fenced block, without comment marks or quotes."
    )
