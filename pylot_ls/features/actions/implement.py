"""Implement an empty body, or what a comment says is to be done."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Offer, Outcome
from pylot_ls.features.actions.answer import indented_by
from pylot_ls.features.actions.bodies import BodyShape, Vacancy, says_nothing, vacancy_at
from pylot_ls.features.actions.checking import answered_definition, checked
from pylot_ls.features.actions.forms import own_documentation
from pylot_ls.features.actions.rewriting import code_answered
from pylot_ls.features.indentation import indented_as
from pylot_ls.features.shape import indent_width
from pylot_ls.features.stopping import StopRule, one_unit
from pylot_ls.features.surroundings import Surroundings
from pylot_ls.features.trim import trim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context

_MAX_TOKENS = 384
_MAX_CHAT_TOKENS = 1024
_MOST_LINES = 40
_MOST_TODO_LINES = 12


class Implement:
    """See ``Action``. Models that complete write into the hole where the body goes; others are asked for it."""

    kind = "implement"

    def offers(self, context: Context) -> Sequence[Offer]:
        """Where a body has nothing in it, or a comment says what is to be done."""
        if not (context.abilities.chats or context.abilities.fills):
            return ()
        vacancy = vacancy_at(context)
        if vacancy is None:
            return ()
        if vacancy.is_todo:
            return (Offer(context.language.say("Implement this TODO"), is_preferred=True, is_pressing=True),)
        name = context.definition.name if context.definition else ""
        title = context.language.say("Implement {name}", name=name)
        return (Offer(title, is_preferred=True, is_pressing=True),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        vacancy = vacancy_at(context)
        if vacancy is None:
            raise ActionError(context.language.say("There is nothing here that is to be implemented."))
        ask = _answered if context.abilities.chats else _filled
        body = await ask(context, models, vacancy)
        if says_nothing(body):
            raise ActionError(context.language.say("The model left it empty; nothing was changed."))
        new = vacancy.before + body.rstrip() + vacancy.after
        return await asyncio.to_thread(checked, context, vacancy.region, new)


async def _filled(context: Context, models: Models, vacancy: Vacancy) -> str:
    """What a model writes into the hole, as far as it belongs there; it continues the first line's indentation."""
    text, view = context.document.text, context.view
    start = view.to_text(vacancy.region.start)
    with_hole = text.replace(start, view.to_text(vacancy.region.end), vacancy.before + vacancy.after)
    offset = start + len(vacancy.before)
    around = Surroundings.of(replace(context.document, text=with_hole), offset)
    if around is None:
        raise ActionError(context.language.say("There is nothing here that is to be implemented."))
    syntax = await around.syntax()
    n_lines = _MOST_TODO_LINES if vacancy.is_todo else _MOST_LINES
    rule = StopRule(BodyShape(n_lines, indent_width(vacancy.indentation)), syntax)
    body = await models.filled(context, with_hole, offset, _MAX_TOKENS, until=rule.complete_part, is_code=True)
    body = indented_as(body, around.prefix, around.suffix)
    return trim(body if syntax is None else one_unit(body, syntax), around.suffix, around.line_before)


async def _answered(context: Context, models: Models, vacancy: Vacancy) -> str:
    """What a model answers, in the place and with the indentation of what is to be written."""
    definition = context.definition
    if vacancy.is_todo or definition is None:
        todo = context.shown(vacancy.region).strip()
        question = (
            f"Write the code for this comment:\n{todo}\n"
            "Answer with only the lines that belong below the comment, in one fenced code block."
        )
        code = await code_answered(context, models, question, _MAX_CHAT_TOKENS)
        return indented_by(code, vacancy.indentation).removeprefix(vacancy.indentation)
    question = (
        f"`{definition.name}` has no body yet:\n```\n{context.shown(definition.whole)}\n```\n"
        "Implement it. Answer with all of it, its signature unchanged, in one fenced code block."
    )
    code = await code_answered(context, models, question, _MAX_CHAT_TOKENS)
    text, found = answered_definition(context, code, definition)
    body = found.body
    if body is None:
        raise ActionError(context.language.say("The model left it empty; nothing was changed."))
    is_in_braces = text[body.start : body.start + 1] == "{"
    start, end = (body.start + 1, body.end - 1) if is_in_braces else (body.start, body.end)
    documentation = own_documentation(text, found, context.document.language_id)
    if documentation is not None and start <= documentation.start < end:
        start = documentation.end
    # From the beginning of a line, with its indentation.
    line_start = text.rfind("\n", 0, start) + 1
    if not text[line_start:start].strip():
        start = line_start
    inner = text[start:end].strip("\n").rstrip()
    return indented_by(inner.lstrip("\n"), vacancy.indentation).removeprefix(vacancy.indentation)
