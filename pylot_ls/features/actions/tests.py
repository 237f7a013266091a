"""Write tests of a definition, as a file beside the document."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import NewFile, Offer, Outcome, Told
from pylot_ls.features.actions.rewriting import code_answered
from pylot_ls.features.fences import fenced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context
    from pylot_ls.syntax.definitions import Definition

_MAX_TOKENS = 1536
_MOST_QUOTED = 4000
_MOST_NAMES = 20
# How a file of tests is called by what it tests; a number makes it another.
_NAMES = {
    "python": "test_{stem}{number}.{suffix}",
    "go": "{stem}{number}_test.{suffix}",
    "java": "{stem}{number}Test.{suffix}",
    "rust": "{stem}{number}_test.{suffix}",
    "c": "test_{stem}{number}.{suffix}",
    "cpp": "test_{stem}{number}.{suffix}",
}
# What a file that holds tests itself is called.
_IS_TEST = re.compile(r"(?:^|[_.-])(?:tests?|spec)(?:$|[_.-])|Tests?$")
_NAME = "{stem}{number}.test.{suffix}"


class WriteTests:
    """See ``Action``."""

    kind = "tests"

    def offers(self, context: Context) -> Sequence[Offer]:
        """For a definition in a file that has a name, and holds no tests itself."""
        definition = context.definition
        stem, _ = _stem(context)
        if (
            definition is None
            or not definition.name
            or not stem
            or not context.abilities.chats
            or _IS_TEST.search(stem)
        ):
            return ()
        return (Offer(context.language.say("Write tests for {name}", name=definition.name)),)

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """See ``Action``."""
        del diagnostic
        definition = context.definition
        if definition is None or not self.offers(context):
            raise ActionError(context.language.say("There is nothing here that tests could be written for."))
        code = await code_answered(context, models, _question(context, definition), _MAX_TOKENS)
        if definition.name not in code:
            said = context.language.say("The model's tests do not use {name}.", name=definition.name)
            raise ActionError(said)
        return await asyncio.to_thread(_file, context, code)


def _file(context: Context, code: str) -> NewFile | Told:
    parsed = None if context.scope is None else context.scope.changed(code + "\n")
    if parsed is None or parsed.n_errors:
        reason = context.language.say("The model's tests have errors, so they are shown here and no file is made.")
        return Told(fenced(code, context.document.language_id) + "\n", reason)
    return NewFile(tuple(itertools.islice(_names(context), _MOST_NAMES)), code + "\n")


def _names(context: Context) -> Iterator[str]:
    stem, suffix = _stem(context)
    form = _NAMES.get(context.document.language_id, _NAME)
    for number in itertools.chain([""], (f"_{count}" for count in itertools.count(2))):
        yield form.format(stem=stem, number=number, suffix=suffix)


def _stem(context: Context) -> tuple[str, str]:
    """The name of the document's file, and its suffix without the dot; "" for both where it has none."""
    stem, dot, suffix = context.document.uri.rpartition("/")[2].rpartition(".")
    return (stem, suffix) if dot and stem else ("", "")


def _question(context: Context, definition: Definition) -> str:
    language_id = context.document.language_id
    tool = "pytest" if language_id == "python" else "the usual test tool of the language"
    stem, _ = _stem(context)
    return (
        f"Write tests for `{definition.name}` of the module `{unquote(stem)}`, with {tool}:\n"
        f"{fenced(context.shown(definition.whole)[:_MOST_QUOTED], language_id)}\n"
        "Test what it promises, with the values at its limits. Answer with the whole file in one fenced code block."
    )
