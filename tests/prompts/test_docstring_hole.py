"""The hole for a definition's documentation: where it is in each language, and what the prompt holds."""

import pytest
from defined import found_in

from pylot_ls.engine.prompt_types import FimOrder, MarkerSegment
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.prompts.docstring_hole import docstring_form, docstring_hole, docstring_place
from pylot_ls.prompts.fim import FimOptions, fim_prompt
from pylot_ls.syntax.grammars import LANGUAGE_IDS
from pylot_ls.text.rope import Text


def with_hole(language_id, source, name="f"):
    """The document as the model sees it, with the hole at ``▮``."""
    place = docstring_place(Text.from_str(source), found_in(language_id, source)[name], language_id)
    return source[: place.start] + place.before + "▮" + place.after + source[place.end :]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(a):\n    return a\n", 'def f(a):\n    """▮"""\n    return a\n'),
        ('def f(a):\n    """Doc."""\n    return a\n', 'def f(a):\n    """▮"""\n    return a\n'),
        ("def f(a):\n    r'''Doc.\n\n    More.\n    '''\n    return a\n", 'def f(a):\n    """▮"""\n    return a\n'),
        ("def f(a):  # note\n    # why\n    return a\n", 'def f(a):  # note\n    """▮"""\n    # why\n    return a\n'),
        ("def f(a): return a\n", 'def f(a):\n    """▮"""\n    return a\n'),
        ("\tdef f(a):\n", '\tdef f(a):\n\t\t"""▮"""\n'),
        ("class f:\n\tx = 1\n", 'class f:\n\t"""▮"""\n\tx = 1\n'),
        ("# Above.\n@deco\ndef f(a):\n    pass\n", '# Above.\n@deco\ndef f(a):\n    """▮"""\n    pass\n'),
    ],
)
def test_a_python_docstring_stands_below_the_header(source, expected):
    assert with_hole("python", source) == expected


@pytest.mark.parametrize("language_id", ["javascript", "javascriptreact", "typescript", "typescriptreact"])
def test_javascript_is_documented_above_with_what_is_around_the_definition(language_id):
    source = "x;\n// Old.\n// Lines.\nexport const f = (a) => a;\n"
    assert with_hole(language_id, source) == "x;\n/** ▮ */\nexport const f = (a) => a;\n"
    source = "class A {\n  f(a) { return a }\n}\n"
    assert with_hole(language_id, source) == "class A {\n  /** ▮ */\n  f(a) { return a }\n}\n"


@pytest.mark.parametrize(
    ("language_id", "source", "expected"),
    [
        ("java", "class A {\n  /** Old. */\n  @X int f() { }\n}\n", "class A {\n  /** ▮ */\n  @X int f() { }\n}\n"),
        ("c", "int f(void) { return 0; }\n", "/** ▮ */\nint f(void) { return 0; }\n"),
        ("cpp", "template <class T>\nT f(T x) { }\n", "/** ▮ */\ntemplate <class T>\nT f(T x) { }\n"),
        ("rust", "/// Old.\n#[inline]\nfn f() {}\n", "/// ▮\n#[inline]\nfn f() {}\n"),
        ("go", "package a\n\nfunc f() {}\n", "package a\n\n// f ▮\nfunc f() {}\n"),
    ],
)
def test_others_are_documented_above_in_their_form(language_id, source, expected):
    assert with_hole(language_id, source) == expected


def test_every_language_with_a_grammar_has_a_form_and_others_have_none():
    assert all(docstring_form(each) for each in LANGUAGE_IDS)
    source = "def f(a):\n    return a\n"
    text, found = Text.from_str(source), found_in("python", source)["f"]
    assert docstring_place(text, found, "cobol") is None
    assert docstring_hole(text, found, SCRIPTED_MODEL, "cobol") is None


@pytest.mark.parametrize("order", FimOrder)
def test_the_prompt_is_the_one_of_a_completion_in_the_hole(order):
    source = 'import os\r\n\r\ndef f(a):\r\n    """Old."""\r\n    return a\r\n'
    options = FimOptions(order, anchored=False)
    shown = 'import os\n\ndef f(a):\n    """▮"""\n    return a\n'
    expected = fim_prompt(Text.from_str(shown.replace("▮", "")), shown.index("▮"), SCRIPTED_MODEL, options, 64)
    prompt = docstring_hole(
        Text.from_str(source), found_in("python", source)["f"], SCRIPTED_MODEL, "python", options=options
    )
    assert prompt == expected


def test_prompts_of_one_document_begin_alike():
    source = "import os\n\n" + "".join(f"def f{n}(a):\n    return a + {n}\n\n\n" for n in range(200))
    text = Text.from_str(source)
    first, second = (
        docstring_hole(text, found_in("python", source)[name], SCRIPTED_MODEL, "python") for name in ("f101", "f100")
    )
    before = [[each.text for each in prompt if not isinstance(each, MarkerSegment)] for prompt in (first, second)]
    assert before[0][0].startswith(before[1][0])
    assert before[1][0].endswith("def f100(a):\n")
    assert before[1][-1] == '    """'  # the lines above it come with the figure of completions


@pytest.mark.parametrize(
    ("language_id", "written", "words", "is_over"),
    [
        ("python", 'Adds two\n    numbers."""\n    return', "Adds two\nnumbers.", True),
        ("python", "Adds two", "Adds two", False),
        ("java", "\n * Adds two\n * numbers.\n */\nint", "Adds two\nnumbers.", True),
        ("c", "Adds two */", "Adds two", True),
        ("rust", "Adds two\n/// numbers.\nfn f", "Adds two\nnumbers.", True),
        ("rust", "Adds two\n    //", "Adds two", False),
        ("go", "adds two\n//\n// more", "adds two\n\nmore", False),
        ("go", "adds two\nfunc f", "adds two", True),
    ],
)
def test_the_words_of_documentation_and_where_it_ends(language_id, written, words, is_over):
    assert docstring_form(language_id, "f").text_of(written) == (words, is_over)
