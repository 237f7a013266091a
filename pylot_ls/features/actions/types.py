"""Add type hints to a function's signature."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Offer, Outcome
from pylot_ls.features.actions.checking import answered_definition, checked
from pylot_ls.features.actions.rewriting import region_of, rewritten
from pylot_ls.syntax.definitions import DefinitionKind, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context
    from pylot_ls.syntax.definitions import Definition

_LANGUAGE_IDS = frozenset({"python", "typescript", "typescriptreact"})
_TOKEN = re.compile(r"\w+|[^\w\s]")
_SELF = frozenset({"self", "cls"})


class Types:
    """See ``Action``. Nothing but the signature is taken of an answer, and of that nothing may be gone."""

    kind = "types"

    def offers(self, context: Context) -> Sequence[Offer]:
        """For a function some of whose types are not written."""
        definition = _untyped(context)
        if definition is None or not context.abilities.chats or context.region is None:
            return ()
        return (Offer(context.language.say("Add type hints to {name}", name=definition.name)),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        definition = _untyped(context)
        if definition is None:
            raise ActionError(context.language.say("There is nothing here without type hints."))
        request = "Add type hints to the parameters and the result of this function. Change nothing else."
        new = await rewritten(context, models, region_of(context), request)
        text, found = answered_definition(context, new, definition)
        signature = text[found.signature.start : found.signature.end]
        old = context.shown(definition.signature)
        if not _is_contained(_TOKEN.findall(old), _TOKEN.findall(signature)):
            raise ActionError(context.language.say("The model's answer has another signature; nothing was changed."))
        region = context.lines(definition.signature.start, definition.signature.end)
        view = context.view.text
        kept_before = view[region.start : definition.signature.start]
        kept_after = view[definition.signature.end : region.end]
        return await asyncio.to_thread(checked, context, region, kept_before + signature + kept_after)


def _untyped(context: Context) -> Definition | None:
    """The function at a place, if some of its types are not written."""
    definition, language_id = context.definition, context.document.language_id
    if definition is None or language_id not in _LANGUAGE_IDS or definition.kind is not DefinitionKind.FUNCTION:
        return None
    signature = context.shown(Span(definition.named.end, definition.signature.end))
    parameters, result = _halves(signature)
    is_typed = all(":" in each for each in parameters) and (
        "->" in result if language_id == "python" else ":" in result
    )
    return None if is_typed or not definition.name else definition


def _halves(signature: str) -> tuple[list[str], str]:
    """The parameters that a type could be written for, and what stands behind them."""
    depth, parts, start = 0, [], signature.find("(") + 1
    for place in range(start - 1, len(signature)):
        character = signature[place]
        depth += (character in "([{<") - (character in ")]}") - (character == ">" and signature[place - 1] not in "=-")
        if (depth == 1 and character == ",") or (depth == 0 and character == ")"):
            parts.append(signature[start:place].strip())
            start = place + 1
        if depth == 0:
            break
    names = [part for part in parts if part and part not in {"*", "/"} and part not in _SELF]
    return names, signature[start:]


def _is_contained(tokens: Iterable[str], longer: Iterable[str]) -> bool:
    """Whether all tokens are in the longer list, in their order."""
    rest = iter(longer)
    return all(token in rest for token in tokens)
