"""Write a function or a selection more simply."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Offer, Outcome
from pylot_ls.features.actions.bodies import vacant_body
from pylot_ls.features.actions.checking import answered_definition, checked, signature_of
from pylot_ls.features.actions.rewriting import region_of, rewritten
from pylot_ls.syntax.definitions import DefinitionKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context

_FEWEST_LINES = 3


class Simplify:
    """See ``Action``."""

    kind = "simplify"

    def offers(self, context: Context) -> Sequence[Offer]:
        """For a selection, or a function that is no longer than is written again."""
        region = context.region
        if not context.abilities.chats or context.scope is None or region is None:
            return ()
        if context.shown(region).count("\n") + 1 < _FEWEST_LINES:
            return ()
        if context.is_selection:
            return (Offer(context.language.say("Simplify the selection")),)
        definition = context.definition
        if definition is None or definition.kind is not DefinitionKind.FUNCTION or not definition.name:
            return ()
        if vacant_body(context, definition) is not None:
            return ()
        return (Offer(context.language.say("Simplify {name}", name=definition.name)),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        region = region_of(context)
        request = "Make this code simpler and easier to read. What it does, and its names, must stay the same."
        new = await rewritten(context, models, region, request)
        definition = context.definition
        if definition is not None and not context.is_selection:
            text, found = answered_definition(context, new, definition)
            if signature_of(text, found) != signature_of(context.view.text, definition):
                raise ActionError(
                    context.language.say("The model's answer has another signature; nothing was changed.")
                )
        return await asyncio.to_thread(checked, context, region, new)
