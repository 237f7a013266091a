"""A document with its cursor (``|``) and a scripted answer in, a suggestion out."""

import asyncio
from dataclasses import replace

import pytest

from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.engine.types import LoadFailed, TextSegment, Usage
from pylot_ls.errors import ModelNotFoundError, ModelUnsupportedError
from pylot_ls.features.completion import CompletionOptions, complete
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text


def at_cursor(marked, version=1):
    before, after = marked.split("|")
    return Document("file:///a.py", "python", version, Text.from_str(before + after)), len(before)


async def ask(engine, marked, **options):
    return await complete(*at_cursor(marked), engine, CompletionOptions(**options))


@pytest.fixture
def suggest(start_engine):
    """The document with the suggestion inserted, or None where there is none."""

    async def suggest(marked, answer, **options):
        completion = await ask(start_engine(ScriptedBackend(answer)), marked, **options)
        return completion.suggestion and marked.replace("|", completion.suggestion.text)

    return suggest


@pytest.mark.parametrize(
    ("marked", "answer", "expected"),
    [
        # The rest of a line.
        ("x = 1\ny = |\n", "x + 1\nprint(y)\n", "x = 1\ny = x + 1\n"),
        ("y = |", "x + 1", "y = x + 1"),
        ("print(|)\n", "x)\n", "print(x)\n"),
        ("    |\n    return x\n", "return x\n", None),
        # A block.
        ("def f():\n    |\n", "x = 1\n    return x\n\nf()\n", "def f():\n    x = 1\n    return x\n"),
        ("def f():\n    |\n", "return 1\nprint(f())\n", "def f():\n    return 1\n"),
        ("if (a) {\n    |\n}\n", "b();\n}\n", "if (a) {\n    b();\n}\n"),
        # An empty document.
        ("|", "import os\nimport re\n\nx", "import os\nimport re"),
        # The file's own line terminators, whatever the model writes.
        ("def f():\r\n    |\r\n", "x = 1\n    return x\n\n", "def f():\r\n    x = 1\r\n    return x\r\n"),
        ("def f():\r\n    |", "x = 1\n    return x\n\n", "def f():\r\n    x = 1\r\n    return x"),
        ("def f():\r    |\r", "x = 1\n    return x\n\n", "def f():\r    x = 1\r    return x\r"),
        ("def f():\n    |\n", "x = 1\r\n    return x\r\n\r\nf()", "def f():\n    x = 1\n    return x\n"),
        ("x = |\n", "1\r\ny = 2\r\n", "x = 1\n"),
        # Characters outside the basic plane.
        ("# 😀\ns = '😀|'\n", "😁'\n", "# 😀\ns = '😀😁'\n"),
        # Nothing to say.
        ("x = |\n", "", None),
        ("x = |\n", "  \n", None),
        ("f(|)\n", ")", None),
    ],
)
@pytest.mark.asyncio
async def test_what_is_suggested(suggest, marked, answer, expected):
    assert await suggest(marked, answer) == expected


@pytest.mark.asyncio
async def test_a_block_is_no_longer_than_the_user_wants(suggest):
    lines = "a = 1\n    " * 10
    expected = "def f():\n    a = 1\n    a = 1\n"
    assert await suggest("def f():\n    |\n", lines, max_lines=2) == expected


@pytest.mark.asyncio
async def test_no_more_tokens_are_decoded_than_the_user_wants(suggest):
    assert await suggest("x = |\n", "abcdefghijkl", max_tokens=2) == "x = abcdefgh\n"


@pytest.mark.asyncio
async def test_an_endless_answer_is_cut_and_the_engine_told_to_stop(start_engine, watched_backend):
    answer = "".join(f"a{number} = {number * number}\n    " for number in range(100_000))
    backend = watched_backend(answer, info=replace(SCRIPTED_MODEL, n_ctx=10**7))
    completion = await ask(start_engine(backend), "def f():\n    |\n", max_tokens=10**6)
    assert completion.suggestion.text.count("\n") == 7
    assert completion.usage.tokens_decoded < 40
    assert backend.cancelled == backend.submitted == ["1"]


@pytest.mark.asyncio
async def test_cancelling_the_coroutine_cancels_the_engine(start_engine, watched_backend):
    backend = watched_backend()
    engine = start_engine(backend)
    await engine.ready()
    backend.pause()
    asking = asyncio.create_task(ask(engine, "x = |"))
    await backend.asked.get()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert backend.cancelled == ["1"]


@pytest.mark.asyncio
async def test_in_a_very_long_line_the_engine_is_not_asked(start_engine, watched_backend):
    backend = watched_backend()
    completion = await ask(start_engine(backend), "x" * 5_000 + "|" + "x" * 6_000)
    assert completion.suggestion is None
    assert completion.usage == Usage()
    assert backend.submitted == []


@pytest.mark.asyncio
async def test_the_prompt_is_the_text_around_the_cursor(start_engine, watched_backend):
    backend = watched_backend()
    await ask(start_engine(backend), "a = 1\r\nb = |\r\nc = 3\r\n")
    request = await backend.asked.get()
    texts = [part.text for part in request.prompt if isinstance(part, TextSegment)]
    assert texts == ["", "\nc = 3\n", "a = 1\nb = "]
    # The cursor may be within what the model knows as one token.
    assert request.heal


@pytest.mark.asyncio
async def test_a_suggestion_is_known_by_its_text_place_and_version(start_engine):
    engine = start_engine(ScriptedBackend(lambda prompt: prompt[-1].text.strip()))

    async def id_of(marked, version=1):
        return (await complete(*at_cursor(marked, version), engine, CompletionOptions())).suggestion.id

    same = await id_of("a|")
    assert await id_of("a|") == same
    assert await id_of("a|", version=2) != same
    assert await id_of("b|") != same
    assert await id_of("a |") != same


@pytest.mark.asyncio
async def test_the_confidence_is_that_of_the_tokens(start_engine):
    suggestion = (await ask(start_engine(ScriptedBackend()), "x|")).suggestion
    assert suggestion.confidence == 1
    assert suggestion.offset == 1


@pytest.mark.asyncio
async def test_without_a_model_the_reason_is_told(start_engine):
    engine = start_engine(ScriptedBackend(load_failure=LoadFailed("no model here", "ModelNotFoundError")))
    with pytest.raises(ModelNotFoundError, match="no model here"):
        await ask(engine, "x|")


@pytest.mark.asyncio
async def test_a_model_that_cannot_complete_is_told(start_engine):
    engine = start_engine(ScriptedBackend(info=replace(SCRIPTED_MODEL, fim=None)))
    with pytest.raises(ModelUnsupportedError, match="no fill-in-the-middle tokens"):
        await ask(engine, "x|")


@pytest.mark.asyncio
async def test_a_model_that_repeats_itself_is_stopped_and_not_shown(start_engine):
    backend = ScriptedBackend("b, " * 1000)
    document = Document("file:///a.py", "python", 1, Text.from_str("x = \n"))
    completion = await complete(document, 4, start_engine(backend), CompletionOptions(max_tokens=500))
    assert completion.suggestion is None
    assert completion.usage.tokens_decoded < 20
