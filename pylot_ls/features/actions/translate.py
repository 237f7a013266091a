"""Translate comments and docstrings to the user's language."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pylot_ls.features.actions.action import Offer, Outcome
from pylot_ls.features.actions.checking import checked
from pylot_ls.features.actions.rewriting import region_of, rewritten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context

# Languages that are written with ASCII's letters and hardly any others.
_ASCII_LANGUAGES = frozenset({"en"})


class Translate:
    """See ``Action``. An answer whose code is not the same is no edit."""

    kind = "translate"

    def offers(self, context: Context) -> Sequence[Offer]:
        """Where comments have letters that are not the user's language's, as far as letters tell."""
        scope, region = context.scope, context.region
        if not context.abilities.chats or scope is None or region is None:
            return ()
        prose = "".join(map(context.shown, scope.prose(region.start, region.end)))
        if not any(map(str.isalpha, prose)) or not _may_be_foreign(prose, context.language.tag):
            return ()
        return (Offer(context.language.say("Translate comments to {name}", name=context.language.name)),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        region = region_of(context)
        request = f"Translate the comments and the documentation to {context.language.name}. Change nothing else."
        new = await rewritten(context, models, region, request)
        return await asyncio.to_thread(checked, context, region, new, keeps_code=True)


def _may_be_foreign(prose: str, tag: str) -> bool:
    """Whether a text may be in another language: all that letters tell is that ASCII alone is no Russian."""
    has_others = any(character.isalpha() and not character.isascii() for character in prose)
    return has_others if tag.partition("-")[0].lower() in _ASCII_LANGUAGES else True
