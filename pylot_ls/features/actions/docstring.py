"""Add a definition's documentation, or complete it."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Offer, Outcome
from pylot_ls.features.actions.answer import prose_in
from pylot_ls.features.actions.checking import checked
from pylot_ls.features.actions.forms import LANGUAGE_IDS, Hole, hole_for, opened, written
from pylot_ls.prompts.docstring_hole import docstring_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context
    from pylot_ls.prompts.docstring_hole import DocstringForm

_MAX_TOKENS = 192
_MAX_CHAT_TOKENS = 512
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
            return (Offer(context.language.say("Document {name}", name=name)),)
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
    """The first paragraph that a model writes: of more, small ones lose the thread."""
    name = context.definition.name if context.definition else ""
    form = docstring_form(context.document.language_id, name)
    if form is None:
        return []
    before, after = opened(hole.present, hole.indentation, form)
    text, view = context.document.text, context.view
    start, end = view.to_text(hole.replaced.start), view.to_text(hole.replaced.end)
    prefix = (hole.before if not hole.present else "") + before
    with_hole = text.replace(start, end, prefix + after + hole.after)
    until = partial(_first_paragraph, form)
    answer = await models.filled(context, with_hole, start + len(prefix), _MAX_TOKENS, form.stop, until)
    first, *rest = answer.strip().split("\n")
    if not form.closing:
        # The last line may be the first one of something else.
        rest = list(itertools.takewhile(lambda line: line.strip().startswith(form.marker), rest))
    lines = [first.rstrip(), *(line.strip().removeprefix(form.marker).strip() for line in rest)]
    return [lines[0] if hole.present else form.begun + lines[0], *lines[1:]]


def _first_paragraph(form: DocstringForm, so_far: str) -> str | None:
    """What of a text is its first paragraph; None while that may go on."""
    lines = so_far.lstrip().split("\n")
    for number, line in enumerate(lines):
        is_whole = number + 1 < len(lines)
        said = line.strip().removeprefix(form.marker) if number else line
        is_other = number and is_whole and not form.closing and not line.strip().startswith(form.marker)
        if is_whole and (not said.strip() or is_other):
            return "\n".join(lines[:number])
    return None


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
