from __future__ import annotations

import pytest

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Edited, Told

pytestmark = pytest.mark.asyncio

PYTHON = "class A:\n    def f▮(self, x):\n        return x\n"
NOTHING_CHANGED = "nothing was changed"


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("python", "def f▮(x):\n    return x\n", 'def f(x):\n    """Do it."""\n    return x\n'),
        ("python", "def f▮(x): return x\n", 'def f(x):\n    """Do it."""\n    return x\n'),
        ("python", "@a\ndef f▮(x):\n\t# why\n\treturn x\n", '@a\ndef f(x):\n\t# why\n\t"""Do it."""\n\treturn x\n'),
        ("python", "class A▮:\n    x = 1\n", 'class A:\n    """Do it."""\n    x = 1\n'),
        ("javascript", "export function f▮() {\n}\n", "/** Do it. */\nexport function f() {\n}\n"),
        ("typescript", "class A {\n  f▮() {\n  }\n}\n", "class A {\n  /** Do it. */\n  f() {\n  }\n}\n"),
        (
            "java",
            "class A {\n    int f▮() { }\n}\n",
            "class A {\n    /** Do it. */\n    int f() { }\n}\n",
        ),
        ("c", "int f▮(void)\n{\n}\n", "/** Do it. */\nint f(void)\n{\n}\n"),
        ("rust", "#[test]\nfn f▮() {}\n", "/// Do it.\n#[test]\nfn f() {}\n"),
        ("go", "func f▮() {\n}\n", "// Do it.\nfunc f() {\n}\n"),
    ],
)
@pytest.mark.parametrize("terminator", ["\n", "\r\n", "\r"])
async def test_documentation_stands_where_the_language_has_it(
    place, perform, fenced, language, before, after, terminator
):
    at = place(before.replace("\n", terminator), language)
    found, _ = await perform("docstring", at, fenced("Do it.", ""))
    assert found == after.replace("\n", terminator)


async def test_several_lines_are_indented_and_what_would_end_a_docstring_is_quoted(place, perform, fenced):
    text = 'Say """hi""" to C:\\new.\n\nArgs:\n    x: whom'
    after, _ = await perform("docstring", place(PYTHON), fenced(text, ""))
    assert after.split("\n")[2:-2] == [
        "        r\"\"\"Say '''hi''' to C:\\new.",
        "",
        "        Args:",
        "            x: whom",
        '        """',
    ]
    compile(after, "a.py", "exec")


async def test_a_comment_end_within_documentation_ends_no_comment(place, perform, fenced):
    after, _ = await perform("docstring", place("function f▮() {}\n", "javascript"), fenced("Match */ here.", ""))
    assert after == "/** Match * / here. */\nfunction f() {}\n"


async def test_documentation_of_one_line_is_completed(place, perform, fenced, fills):
    marked = 'def f▮(x):\n    """Do it."""\n    return x\n'
    assert place(marked).titles[0] == "Complete the documentation of f"
    after, _ = await perform("docstring", place(marked), fenced("Do it.\n\nTwice.", ""))
    assert after == 'def f(x):\n    """Do it.\n\n    Twice.\n    """\n    return x\n'
    after, _ = await perform("docstring", place(marked, abilities=fills), "Twice.\n")
    assert after == 'def f(x):\n    """Do it.\n\n    Twice.\n    """\n    return x\n'
    js = "/** Do it. */\nfunction f▮() {}\n"
    after, _ = await perform("docstring", place(js, "javascript", fills), "Twice.\n")
    assert after == "/**\n * Do it.\n *\n * Twice.\n */\nfunction f() {}\n"
    assert "docstring" not in place('def f▮(x):\n    """Do it.\n\n    Do it twice.\n    """\n    return x\n').kinds


async def test_a_model_that_completes_fills_a_hole_and_its_first_paragraph_counts(place, perform, fills):
    prompts = []

    def script(prompt):
        prompts.append("".join(getattr(part, "text", f"<{getattr(part, 'marker', '')}>") for part in prompt))
        return 'Do it\n        twice.\n\n        Args:\n            x: x\n        """\n'

    after, _ = await perform("docstring", place(PYTHON, abilities=fills), script)
    assert after == 'class A:\n    def f(self, x):\n        """Do it\n        twice.\n        """\n        return x\n'
    assert prompts == [
        '<bos><fim_prefix><fim_suffix>"""\n        return x\n<fim_middle>class A:\n    def f(self, x):\n        """'
    ]


async def test_what_follows_the_closing_quotes_is_no_part_of_it(place, perform, fills):
    after, _ = await perform("docstring", place(PYTHON, abilities=fills), 'Do it."""\n        import os\n')
    assert after == 'class A:\n    def f(self, x):\n        """Do it."""\n        return x\n'


async def test_line_comments_end_with_their_last_line(place, perform, fills):
    after, _ = await perform("docstring", place("func f▮() {\n}\n", "go", fills), "does it\n// well.\nfunc f() {")
    assert after == "// f does it\n// well.\nfunc f() {\n}\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "had nothing to say"),
        ("  \n", "had nothing to say"),
        ("Do it.<|endoftext|>", "what is no text"),
        ("Do \ufffd it.", "what is no text"),
        ("no end and " * 400, "did not come to an end"),
        (" ".join(f"word{n}" for n in range(2000)), "did not come to an end"),
    ],
)
@pytest.mark.parametrize("chats", [True, False])
async def test_a_useless_answer_changes_nothing(place, perform, fills, answer, said, chats):
    at = place(PYTHON) if chats else place(PYTHON, abilities=fills)
    with pytest.raises(ActionError, match=said):
        await perform("docstring", at, answer)


async def test_documentation_that_would_be_code_is_shown_instead(place, perform, fenced, monkeypatch):
    # There is none known that gets past the quoting; the check stands behind it.
    monkeypatch.setattr("pylot_ls.features.actions.docstring.written", lambda *_: "        x = 1")
    after, outcome = await perform("docstring", place(PYTHON), fenced("Do it.", ""))
    assert after == place(PYTHON).text
    assert isinstance(outcome, Told)
    assert "changes code" in outcome.reason


@pytest.mark.parametrize("marked", ["x = 1▮\n", "", "def f▮(", "lambda x▮: x\n"])
async def test_what_has_no_name_of_its_own_is_not_documented(place, perform, fenced, marked):
    at = place(marked if "▮" in marked else "▮")
    assert "docstring" not in at.kinds
    with pytest.raises(ActionError, match="nothing here"):
        await perform("docstring", at, fenced("Do it.", ""))


async def test_a_language_without_a_grammar_gets_no_documentation(place):
    assert place("sub f▮ { 1 }\n", "perl").kinds == []


async def test_an_edit_touches_no_line_but_its_own(place, perform, fenced):
    _, outcome = await perform("docstring", place(PYTHON), fenced("Do it.", ""))
    assert isinstance(outcome, Edited)
    (edit,) = outcome.replacements
    assert (edit.start, edit.end) == (PYTHON.replace("▮", "").index("        return"),) * 2
