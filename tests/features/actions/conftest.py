"""Actions on a text with a place in it, with a model that says what the test wants."""

from __future__ import annotations

import pytest

from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.features.actions.action import Edited
from pylot_ls.features.actions.asking import Models
from pylot_ls.features.actions.context import Abilities, Context
from pylot_ls.features.actions.edits import applied
from pylot_ls.features.actions.kinds import action_of, offered
from pylot_ls.language import ENGLISH
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

CHATS, FILLS = Abilities(chats=True), Abilities(fills=True)


class Place:
    """A document in which ``▮`` stands at the cursor, or at both ends of a selection."""

    def __init__(self, marked, language_id="python", abilities=CHATS, language=ENGLISH, name="shop.py"):
        before, *rest = marked.split("▮")
        self.text = "".join((before, *rest))
        end = len(before) + (len(rest[0]) if len(rest) > 1 else 0)
        document = Document(f"file:///project/{name}", language_id, 1, Text.from_str(self.text))
        self.context = Context(document, len(before), end, (), abilities, language)

    @property
    def kinds(self):
        return [kind for kind, _ in offered(self.context)]

    @property
    def titles(self):
        return [offer.title for _, offer in offered(self.context)]


@pytest.fixture
def place():
    return Place


@pytest.fixture
def fills():
    return FILLS


@pytest.fixture
def fenced():
    return lambda code, language="python": f"```{language}\n{code}\n```\n"


@pytest.fixture
def perform(start_engine):
    """Do something at a place with a model's answer; the text after it, and the outcome."""

    async def run(kind, at, answer, diagnostic=None, info=SCRIPTED_MODEL):
        engine = start_engine(ScriptedBackend(answer, info=info))

        async def reach():
            return engine

        outcome = await action_of(kind).perform(at.context, Models(reach, reach), diagnostic)
        after = applied(at.text, outcome.replacements) if isinstance(outcome, Edited) else at.text
        return after, outcome

    return run
