"""A document with its cursor (``|``) and a scripted answer in, a suggestion out."""

import asyncio
from dataclasses import replace

import pytest

from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL, ScriptedBackend
from pylot_ls.engine.types import LoadFailed, Usage
from pylot_ls.errors import ModelNotFoundError, ModelUnsupportedError
from pylot_ls.features.completion import CompletionOptions, complete
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text


def at_cursor(marked, version=1, language_id="python"):
    before, after = marked.split("|")
    return Document("file:///a", language_id, version, Text.from_str(before + after)), len(before)


async def ask(engine, marked, language_id="python", **options):
    return await complete(*at_cursor(marked, language_id=language_id), engine, CompletionOptions(**options))


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
        # Where a body begins, on the header's line, too,
        ("def f():|\n", "\n    x = 1\n    return x\n\n", "def f():\n    x = 1\n    return x\n"),
        (
            "class A:\n    '''It is.'''\n    |\n",
            "x = 1\n    y = 2\n\n",
            "class A:\n    '''It is.'''\n    x = 1\n    y = 2\n",
        ),
        # but not in a dictionary, nor where a body has begun.
        ("x = {'a':\n    |\n}\n", "1,\n    'b': 2\n", "x = {'a':\n    1,\n}\n"),
        ("def f():\n    |\n    return x\n", "x = 1\n    y = 2\n", "def f():\n    x = 1\n    return x\n"),
        # One statement,
        ("x = |\n", "1; y = 2", "x = 1\n"),
        # or one definition.
        ("|", "def f():\n    return 1\ndef g():\n    pass\n", "def f():\n    return 1"),
        # Brackets and quotes as what follows needs them.
        ("f(|)\n", "a, b)", "f(a, b)\n"),
        ("f(g(|)\n", "a)", "f(g(a))\n"),
        ('f("|")\n', 'a")', 'f("a")\n'),
        ("f(\n    a,\n    |\n", "b,\n", "f(\n    a,\n    b,\n"),
        ("x = |\n", "f(a, b", "x = f\n"),
        # No errors that were not there.
        ("x = 1\n|\n", "y = )", "x = 1\ny\n"),
        ("x = 1\n|\n", "), 2", None),
        ("f(\n    a|\n)\n", ", b))", "f(\n    a, b\n)\n"),
        # Nothing that follows already.
        ("x = 1\n|\ny = 2\nz = 3\n", "z = 3", None),
        ("x = f(a|, b)\n", ".c, b)", "x = f(a.c, b)\n"),
        # The file's own indentation.
        ("def f():\n\ta\n\ndef g():\n\t|\n", "b\n    c\n\n", "def f():\n\ta\n\ndef g():\n\tb\n\tc\n"),
        # No special tokens and no halves of characters.
        ("x = |\n", "1<|endoftext|>", "x = 1\n"),
        ("x = |\n", "<fim_middle>", None),
        ("s = '|'\n", "é\ufffd", "s = 'é'\n"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_suggested(suggest, marked, answer, expected):
    assert await suggest(marked, answer) == expected


@pytest.mark.parametrize(
    ("language_id", "marked", "answer", "expected"),
    [
        ("javascript", "if (a) {\n    |\n}\n", "b();\n}\n", "if (a) {\n    b();\n}\n"),
        ("javascript", "if (a) {\n|\n}\n", "b();\n}\nc();\n", "if (a) {\nb();\n}\n"),
        ("javascript", "f(() => {\n    |\n", "b();\n});\nc();\n", "f(() => {\n    b();\n});\n"),
        ("javascript", "f(|", "a); g();\n", "f(a);"),
        ("typescriptreact", "const a = <b>{|}</b>;\n", "c}</b>;\n", "const a = <b>{c}</b>;\n"),
        ("go", "func f() {\n\t|\n}\n", "a()\n    b()\n}\n", "func f() {\n\ta()\n\tb()\n}\n"),
        ("rust", "fn f() {|\n}\n", "\n    a();\n}\n", "fn f() {\n    a();\n}\n"),
        ("c", "int x = f(|);\n", "a);", "int x = f(a);\n"),
        ("java", 'String s = "|";\n', 'a";', 'String s = "a";\n'),
        # Where there is no grammar, lines, indentation and brackets tell.
        ("lua", "if a {\n    |\n}\n", "b()\n}\n", "if a {\n    b()\n}\n"),
        ("lua", "f(|)\n", "a, b)", "f(a, b)\n"),
        ("markdown", "It's |\n", "a (long", "It's a (long\n"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_suggested_in_other_languages(suggest, language_id, marked, answer, expected):
    assert await suggest(marked, answer, language_id=language_id) == expected


@pytest.mark.parametrize(
    ("marked", "option"),
    [
        ("x = 'a|'\n", "in_strings"),
        ("x = 'a|\n", "in_strings"),
        ("# a|\n", "in_comments"),
        ("x = 1  # |", "in_comments"),
    ],
)
@pytest.mark.asyncio
async def test_in_strings_and_comments_the_engine_is_not_asked_unless_it_is_wanted(
    start_engine, watched_backend, marked, option
):
    backend = watched_backend("b")
    engine = start_engine(backend)
    completion = await ask(engine, marked, **{option: False})
    assert completion.suggestion is None
    assert backend.submitted == []
    others = {"in_strings": False, "in_comments": False, option: True}
    assert (await ask(engine, marked, **others)).suggestion.text == "b"
    assert (await ask(engine, marked, "lua", in_strings=False, in_comments=False)).suggestion.text == "b"


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
async def test_very_long_lines_around_the_cursor_are_no_hindrance(suggest):
    long = "x" * 3_000_000
    assert await suggest(f"{long}\ny = |\n{long}\n", "1") == f"{long}\ny = 1\n{long}\n"


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
        document, offset = at_cursor(marked, version, "plaintext")
        return (await complete(document, offset, engine, CompletionOptions())).suggestion.id

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
