"""Undo leads back to an anchor that the document stood on before, whose prompt is still resident."""

from __future__ import annotations

import pytest
import pytest_asyncio

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.features.anchors import Anchors
from pylot_ls.features.completion import CompletionOptions, complete
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

pytestmark = pytest.mark.asyncio

BEFORE = "".join(f"def handler_{n}(request):\n    return request.{n}\n\n" for n in range(6)) + "def last(request):\n  "
AFTER = "\n" + "".join(f"register(handler_{n})\n" for n in range(12))


@pytest_asyncio.fixture
async def ask(start_engine, bundled_config):
    """Ask at the end of what is typed between the two; what it cost."""
    engine, anchors = start_engine(LlamaBackend(bundled_config)), Anchors()

    async def usage(typed):
        document = Document("file:///a.py", "python", 1, Text.from_str(BEFORE + typed + AFTER))
        options = CompletionOptions(max_tokens=4)
        completion = await complete(document, len(BEFORE + typed), engine, options, anchors)
        await anchors.settled()
        return completion.usage, anchors.of("file:///a.py")

    return usage


async def test_after_a_paste_is_undone_two_tokens_are_evaluated(ask):
    await ask("value = re")
    _, first = await ask("value = req")
    pasted = "value = req" + "uest\n    value += 1" * 30
    _, second = await ask(pasted)
    assert second != first
    usage, again = await ask("value = req")
    assert again == first
    assert usage.tokens_evaluated <= 2


async def test_after_an_anchor_was_replaced_undo_leads_back_to_it(ask):
    _, first = await ask("value = req")
    lines = "uest\n    value += 1" * 21
    await ask("value = req" + lines)
    _, successor = await ask("value = req" + lines + "\n")
    assert successor != first
    usage, again = await ask("value = re")
    assert again == first
    assert usage.tokens_evaluated <= 2
