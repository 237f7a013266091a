"""What hovers cost with a real model: in one document the next one finds the KV of the one before."""

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio

from pylot_ls.bench.synthetic import Shape, write_model
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Priority
from pylot_ls.features.hover.explaining import ask_about, explain
from pylot_ls.features.hover.subject import subject_at
from pylot_ls.language import ENGLISH
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

pytestmark = pytest.mark.asyncio

# Short enough that all of it is in the prompt.
SOURCE = "import math\n\n\n" + "\n\n".join(
    f"def side_{n}(area, factor):\n    scaled = area * factor\n    return math.sqrt(scaled) + {n}\n" for n in range(7)
)


@pytest_asyncio.fixture
async def hover(start_engine, bundled_config):
    """Have the bundled model explain: what it said at what cost, and how many tokens the suffix and the rest have."""
    engine = start_engine(LlamaBackend(bundled_config))
    model = await engine.ready()

    async def explained(source, at):
        document = Document("file:///a.py", "python", 1, Text.from_str(source))
        subject = await subject_at(document, source.index(at))
        asked = ask_about(document, subject, model, ENGLISH)
        explanation = await explain(asked, engine)
        return explanation, await n_tokens_from_suffix(engine, asked.prompt)

    return explained


async def n_tokens_from_suffix(engine, prompt):
    """Tokens of the suffix, the middle's beginning and the markers around them, counted by the engine itself."""
    texts = [part for part in prompt if isinstance(part, TextSegment)]
    count = 0
    for text in texts[1:]:
        if not text.text:
            continue
        events = engine.generate((text,), max_tokens=1, priority=Priority.INTERACTIVE, keep=False)
        count += [event.usage.prompt_tokens async for event in events][-1]
    return count + 2


@pytest.fixture(scope="module")
def chat_path(tmp_path_factory):
    """A model of random weights that chats."""
    path = tmp_path_factory.mktemp("chat") / "chat.gguf"
    write_model(path, Shape(n_layers=1, n_embd=64, n_heads=2, n_kv_heads=1, n_ff=64), "chat")
    path.with_suffix(".toml").write_text('[fim]\norders = ["psm"]\n[chat]\nformat = "chatml"\n')
    return path


@pytest_asyncio.fixture
async def chat(start_engine, bundled_config, chat_path):
    """Have it explain; what that cost."""
    engine = start_engine(LlamaBackend(replace(bundled_config, path=chat_path, n_ctx=2048)))
    model = await engine.ready()

    async def usage(source, at):
        document = Document("file:///a.py", "python", 1, Text.from_str(source))
        subject = await subject_at(document, source.index(at))
        return (await explain(ask_about(document, subject, model, ENGLISH), engine)).usage

    return usage


@pytest.mark.parametrize(("first", "second"), [("side_1", "side_6"), ("side_6", "side_1"), ("sqrt(", "side_2")])
async def test_a_model_that_chats_evaluates_the_question_alone(chat, first, second):
    before = await chat(SOURCE, first)
    after = await chat(SOURCE, second)
    assert before.tokens_reused == 0
    # The question has some twenty words, and the template some tokens behind it.
    assert after.tokens_evaluated < 50 < after.tokens_reused
    assert after.tokens_evaluated + after.tokens_reused == after.prompt_tokens


async def test_a_model_that_chats_evaluates_the_question_and_what_changed_behind_it(chat):
    await chat(SOURCE, "side_2")
    whole = (await chat(SOURCE, "side_6")).prompt_tokens
    after = await chat(SOURCE.replace("+ 6", "+ 7"), "side_6")
    assert after.tokens_evaluated < 60 < whole


async def test_a_hover_further_up_evaluates_at_most_the_suffix(hover):
    await hover(SOURCE, "side_5")
    explanation, n_tokens = await hover(SOURCE, "side_3")
    usage = explanation.usage
    assert usage.tokens_reused > 0
    # The token at the border may be another one.
    assert usage.tokens_evaluated <= n_tokens + 1


async def test_the_same_hover_again_evaluates_next_to_nothing(hover):
    await hover(SOURCE, "side_5")
    explanation, _n_tokens = await hover(SOURCE, "side_5")
    assert explanation.usage.tokens_evaluated <= 4


async def test_a_hover_further_down_evaluates_what_stands_between_as_well_and_no_more(hover):
    before, n_tokens_before = await hover(SOURCE, "side_2")
    explanation, n_tokens = await hover(SOURCE, "side_4")
    n_prefix_before = before.usage.prompt_tokens - n_tokens_before
    n_prefix = explanation.usage.prompt_tokens - n_tokens
    assert explanation.usage.tokens_evaluated <= n_tokens + (n_prefix - n_prefix_before) + 1


async def test_what_it_says_stays_within_its_limits(hover):
    explanation, _n_tokens = await hover(SOURCE, "side_1")
    assert explanation.usage.tokens_decoded <= 64
    assert "\n" not in explanation.text
    assert '"""' not in explanation.text


async def test_a_keystroke_comes_first(start_engine, bundled_config):
    engine = start_engine(LlamaBackend(bundled_config))
    model = await engine.ready()
    document = Document("file:///a.py", "python", 1, Text.from_str(SOURCE))
    subject = await subject_at(document, SOURCE.index("side_6"))
    hovering = asyncio.ensure_future(explain(ask_about(document, subject, model, ENGLISH), engine))
    events = engine.generate((TextSegment("import os\n"),), max_tokens=1, priority=Priority.KEYSTROKE)
    await anext(aiter(events))
    assert not hovering.done()
    await events.aclose()
    await hovering
