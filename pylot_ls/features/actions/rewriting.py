"""Have a model that chats write a part of a document again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.answer import code_in, indented_by
from pylot_ls.features.fences import fenced
from pylot_ls.prompts.grammars import code_block

if TYPE_CHECKING:
    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context
    from pylot_ls.syntax.definitions import Span

# Of code, on average or more; what is added needs room, too.
_CHARACTERS_PER_TOKEN = 3
_ADDED_TOKENS = 256


async def rewritten(context: Context, models: Models, region: Span, request: str) -> str:
    """The new text of a region of the view, indented as it is.

    Raises:
        ActionError, ModelError, EngineError: as ``Models.answer``.
    """
    old = context.shown(region)
    question = (
        f"{request}\nThis is the code:\n{fenced(old, context.document.language_id)}\n"
        "Answer with all of this code as it is to be, in one fenced code block, and nothing else."
    )
    max_tokens = len(old) // _CHARACTERS_PER_TOKEN + _ADDED_TOKENS
    code = await code_answered(context, models, question, max_tokens)
    return indented_by(code, old[: len(old) - len(old.lstrip())].rpartition("\n")[2])


async def code_answered(context: Context, models: Models, question: str, max_tokens: int) -> str:
    """The code that a model answers a question with, which it can do in no other form.

    Raises:
        ActionError, ModelError, EngineError: as ``Models.answer``.
    """
    grammar = code_block(context.document.language_id)
    return code_in(await models.answer(context, question, max_tokens, grammar), context.language)


def region_of(context: Context) -> Span:
    """What is to be written again.

    Raises:
        ActionError: there is nothing, or too much.
    """
    if context.region is None:
        raise ActionError(context.language.say("Select the code that is meant: here is none, or too much."))
    return context.region
