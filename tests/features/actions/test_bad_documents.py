"""Documents that nobody would write: actions are listed, and come to an edit, a text or a message."""

from __future__ import annotations

import pytest
from bad_documents import BAD_DOCUMENTS

from pylot_ls.errors import ActionError, ModelUnsupportedError
from pylot_ls.features.actions.action import Edited
from pylot_ls.features.actions.context import Abilities, Context, Diagnostic
from pylot_ls.features.actions.kinds import KINDS, offered
from pylot_ls.text.document import Document
from pylot_ls.text.position import Position, PositionEncoding, offset_at
from pylot_ls.text.rope import Text

pytestmark = pytest.mark.asyncio

ANSWERS = ("", "```\nx = 1\n```", "x", "```python\ndef f(:\n```", "\ud800", "<|endoftext|>")


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
async def test_nothing_breaks(place, perform, name):
    bad = BAD_DOCUMENTS[name]
    document = Document("file:///project/a.py", bad.language, 1, Text.from_str(bad.text))
    offsets = [offset_at(document.text, Position(*each), PositionEncoding.UTF16) for each in bad.places]
    for start, end in [*((offset, offset) for offset in offsets), (min(offsets), max(offsets))]:
        for abilities in (Abilities(chats=True), Abilities(fills=True)):
            problem = Diagnostic("odd", start, end)
            context = Context(document, start, end, (problem,), abilities)
            listed = {kind for kind, _ in offered(context)}
            assert listed <= set(KINDS)
            at = place("▮")
            at.text, at.context = bad.text, context
            for kind in listed:
                for answer in ANSWERS:
                    try:
                        after, outcome = await perform(kind, at, answer, 0 if kind == "fix" else None)
                    except (ActionError, ModelUnsupportedError):
                        continue
                    assert isinstance(outcome, Edited) or after == bad.text
