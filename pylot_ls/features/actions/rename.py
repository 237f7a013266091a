"""Find a better name. Where that is certain to be all, its uses are edited; else the editor's own rename has to."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Edited, Offer, Outcome, Told
from pylot_ls.features.actions.answer import name_in
from pylot_ls.features.actions.edits import Replacement, whole_lines
from pylot_ls.features.fences import fenced
from pylot_ls.prompts.grammars import IDENTIFIER, MOST_NAME_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context
    from pylot_ls.syntax.definitions import Span

_MAX_TOKENS = MOST_NAME_CHARACTERS + 1
_MOST_QUOTED = 2000
_DUNDER = re.compile(r"__\w+__\Z")


class Rename:
    """See ``Action``."""

    kind = "rename"

    def offers(self, context: Context) -> Sequence[Offer]:
        """For a name that the document itself may choose."""
        name = _name(context)
        if not name or not context.abilities.chats:
            return ()
        return (Offer(context.language.say("Find a better name for {name}", name=name)),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        name, language = _name(context), context.language
        if not name:
            raise ActionError(language.say("There is no name here that could be better."))
        around = context.definition.whole if context.definition else context.line
        quoted = context.shown(around)
        question = (
            f"What would be a better name for `{name}` in this code?\n"
            f"{fenced(quoted[:_MOST_QUOTED], context.document.language_id)}\n"
            "Keep to the naming style of the code. Answer with the name alone."
        )
        better = name_in(await models.answer(context, question, _MAX_TOKENS, IDENTIFIER), language)
        if better == name:
            raise ActionError(language.say("The model has no better name than {name}.", name=name))
        uses = _local_uses(context)
        is_free = not keyword.iskeyword(better) and not re.search(rf"\b{re.escape(better)}\b", quoted)
        if not uses or not is_free:
            said = language.say("A better name for `{name}`: `{better}`", name=name, better=better)
            return Told(said, name=better)
        view, text = context.view, context.document.text
        found = [(view.to_text(use.start), view.to_text(use.end)) for use in uses]
        guard = whole_lines(text, view.to_text(around.start), view.to_text(around.end))
        return Edited(tuple(Replacement(start, end, better) for start, end in found), guard)


def _name(context: Context) -> str:
    """The name at a place, if it is a definition's or a local variable's; "" where there is none."""
    scope, definition = context.scope, context.definition
    name = "" if scope is None else scope.name_at(context.place)
    if scope is None or not name or _DUNDER.match(name):
        return ""
    is_definition = definition is not None and definition.named.start <= context.place <= definition.named.end
    return name if is_definition or _local_uses(context) else ""


def _local_uses(context: Context) -> tuple[Span, ...]:
    """See ``Scope.local_uses``; of a function that goes on beyond the view not all are known."""
    if context.scope is None or context.definition is None:
        return ()
    return context.scope.local_uses(context.place)
