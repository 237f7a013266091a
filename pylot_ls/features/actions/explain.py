"""Explain a definition, or what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError, ModelUnsupportedError, RequestError
from pylot_ls.features.actions.action import Offer, Outcome, Told
from pylot_ls.features.actions.forms import LANGUAGE_IDS
from pylot_ls.features.fences import fenced
from pylot_ls.features.hover.explaining import NONE_EXPLAINS, explain_definition
from pylot_ls.language import text_of

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
        definition, abilities = context.definition, context.abilities
        if abilities.chats and context.is_selection:
            return (Offer(context.language.say("Explain the selection")),)
        if not (abilities.chats or abilities.fills) or definition is None or not definition.name:
            return ()
        if not abilities.chats and context.document.language_id not in LANGUAGE_IDS:
            return ()
        return (Offer(context.language.say("Explain {name}", name=definition.name)),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        if not (context.abilities.chats or context.abilities.fills):
            raise ModelUnsupportedError(NONE_EXPLAINS)
        if not self.offers(context):
            raise ActionError(context.language.say("There is nothing here that could be explained."))
        definition = context.definition
        ask = _answered if context.abilities.chats else _documented
        text = await ask(context, models)
        title = f"## {definition.name}\n\n" if definition is not None and not context.is_selection else ""
        return Told(f"{title}{text}\n")


async def _answered(context: Context, models: Models) -> str:
    quoted = context.selected if context.is_selection else ""
    if context.definition is not None and not quoted:
        quoted = context.shown(context.definition.whole)
    question = (
        f"Explain this code to a colleague who reads it for the first time, in {context.language.name}: what "
        f"it does, how, and what to watch out for. Use at most three short paragraphs.\n"
        f"{fenced(quoted[:_MOST_QUOTED], context.document.language_id)}\n"
    )
    return (await models.answer(context, question, _MAX_TOKENS)).strip()


async def _documented(context: Context, models: Models) -> str:
    place = context.view.to_text(context.place)
    try:
        explanation = await explain_definition(
            context.document,
            (place, place),
            await models.fill(),
            context.language,
            models.options,
            session=models.session,
            keep=models.keep,
        )
    except RequestError as error:
        raise ActionError(text_of(error)) from error
    return explanation.text
