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
        tag = context.language.tag
        # Most texts in these languages have nothing to be looked for.
        if _is_ascii(tag) and context.shown(region).isascii():
            return ()
        if not any(_may_be_foreign(context.shown(each), tag) for each in scope.prose(region.start, region.end)):
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
    return any(character.isalpha() and not (character.isascii() and _is_ascii(tag)) for character in prose)


def _is_ascii(tag: str) -> bool:
    return tag.partition("-")[0].lower() in _ASCII_LANGUAGES
