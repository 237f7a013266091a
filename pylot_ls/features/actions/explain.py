"""Explain a definition, or what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Offer, Outcome, Told
from pylot_ls.features.actions.docstring import documentation, hole_at
from pylot_ls.features.fences import fenced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context

_MAX_TOKENS = 512
_MOST_QUOTED = 2000


class Explain:
    """See ``Action``. Models that chat are asked; others write the documentation that could stand there."""

    kind = "explain"

    def offers(self, context: Context) -> Sequence[Offer]:
        """For a selection or a definition; without a model that chats, for what could be documented."""
        definition, language = context.definition, context.language
        if context.abilities.chats and context.is_selection:
            return (Offer(language.say("Explain the selection")),)
        can_fill = context.abilities.fills and hole_at(context) is not None
        if definition is None or not definition.name or not (context.abilities.chats or can_fill):
            return ()
        return (Offer(language.say("Explain {name}", name=definition.name)),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        if not self.offers(context):
            raise ActionError(context.language.say("There is nothing here that could be explained."))
        definition, language_id = context.definition, context.document.language_id
        if context.abilities.chats:
            quoted = context.selected if context.is_selection else ""
            if definition is not None and not quoted:
                quoted = context.shown(definition.whole)
            question = (
                f"Explain this code to a colleague who reads it for the first time, in {context.language.name}: what "
                f"it does, how, and what to watch out for. Use at most three short paragraphs.\n"
                f"{fenced(quoted[:_MOST_QUOTED], language_id)}\n"
            )
            text = (await models.answer(context, question, _MAX_TOKENS)).strip()
        else:
            hole = hole_at(context)
            lines = [] if hole is None else await documentation(context, models, hole)
            text = "\n".join(lines)
        title = f"## {definition.name}\n\n" if definition is not None and not context.is_selection else ""
        return Told(f"{title}{text}\n")
