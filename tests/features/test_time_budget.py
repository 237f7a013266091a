"""A first suggestion in time: with little of the text at once, with all of it when that has been evaluated."""

from dataclasses import replace

import pytest
import pytest_asyncio

from pylot_ls.engine import choosing
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.types import Priority
from pylot_ls.features.anchors import Anchors
from pylot_ls.features.completion import CompletionOptions, complete
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

pytestmark = pytest.mark.asyncio

URI = "file:///a.py"
BEFORE = "".join(f"def handler_{n}(request):\n    return request.{n}\n\n" for n in range(60)) + "def last(request):\n  "
AFTER = "\n" + "".join(f"register(handler_{n})\n" for n in range(60))


@pytest.fixture
def slow(monkeypatch):
    """Nothing is evaluated in a moment, however fast the machine is."""
    monkeypatch.setattr(choosing, "_READY_S", 0.0)


@pytest_asyncio.fixture
async def ask(slow, start_engine, bundled_config):
    """Ask where what is typed ends, with no time at all unless said otherwise; what it cost."""
    engine, anchors = start_engine(LlamaBackend(bundled_config)), Anchors()

    async def usage(typed, before=BEFORE, budget_ms=0.0):
        document = Document(URI, "python", 1, Text.from_str(before + typed + AFTER))
        options = CompletionOptions(max_tokens=4, time_budget_ms=budget_ms)
        return (await complete(document, len(before + typed), engine, options, anchors)).usage

    usage.anchors = anchors
    return usage


async def test_a_file_just_opened_is_first_asked_with_little_of_it_then_with_all(ask):
    first = await ask("value")
    assert first.fallback > 0
    assert first.tokens_evaluated < 100
    await ask.anchors.settled()
    then = await ask("value ")
    assert (then.fallback, then.tokens_evaluated <= 8) == (0, True)
    assert then.tokens_reused > 10 * first.prompt_tokens


async def test_while_the_whole_is_evaluated_keystrokes_go_on_with_the_little_there_is(ask):
    first = await ask("value")
    second = await ask("value ")
    assert second.fallback in {0, first.fallback}
    assert second.tokens_evaluated <= 8


async def test_with_time_enough_all_of_it_is_asked_with_at_once(ask):
    usage = await ask("value", budget_ms=1e9)
    assert usage.fallback == 0
    assert not ask.anchors._preparing


async def test_after_a_jump_the_first_place_is_not_widened_any_more(ask):
    await ask("value")
    (first,) = ask.anchors._preparing.values()
    elsewhere = BEFORE[: len(BEFORE) // 3]
    await ask("value", elsewhere[: elsewhere.rindex("\n") + 1])
    (second,) = ask.anchors._preparing.values()
    assert first.cancelled()
    assert second is not first
    await ask.anchors.settled()


async def test_the_whole_is_evaluated_in_the_background(start_engine, watched_backend):
    class Narrow(watched_backend):
        """Serves every request with its second smaller prompt."""

        def _decode(self, job, answer, usage):
            return super()._decode(job, answer, replace(usage, fallback=2))

    backend = Narrow("answer")
    engine, anchors = start_engine(backend), Anchors()
    document = Document(URI, "python", 1, Text.from_str(BEFORE + AFTER))
    await complete(document, len(BEFORE), engine, CompletionOptions(), anchors)
    await anchors.settled()
    requests = [backend.asked.get_nowait() for _ in range(backend.asked.qsize())]
    asked, prepared = requests
    assert (prepared.priority, prepared.max_tokens, prepared.prompt) == (Priority.BACKGROUND, 0, asked.prompt)
    assert asked.fallbacks
    assert asked.budget_ms == CompletionOptions().time_budget_ms
