"""Fix, simplify, types, translate, rename, tests, explain: a right answer each, and wrong ones that change nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.errors import ActionError, ModelUnsupportedError
from pylot_ls.features.actions.action import NewFile, Told
from pylot_ls.features.actions.context import Abilities, Diagnostic
from pylot_ls.language import Language

pytestmark = pytest.mark.asyncio

TOTAL = """import os


def total▮(items):
    result = 0
    for item in items:
        result += item
    return result
"""
SIMPLE = "def total(items):\n    return sum(items)"
FOREIGN = 'def f▮(x):\n    """Возвращает x."""\n    return x  # сам x\n'
RUSSIAN = Language("ru")

WRONG_FORMS = [
    ("return x", "has no code"),
    ("```python\nx = 1\n", "does not end"),
    ("```python\n\n```", "no code"),
    ("", "nothing to say"),
    ("```python\nx = 1<|im_end|>\n```", "what is no text"),
    ("again and " * 500, "did not come to an end"),
]


def with_problem(at, message="undefined name 'lst'", *, line=4):
    start = sum(len(each) + 1 for each in at.text.split("\n")[:line])
    problem = Diagnostic(message, start, start + 6, 1, "F821", "ruff")
    at.context = replace(at.context, diagnostics=(problem,))
    return at


async def test_a_function_is_simplified_in_the_lines_that_differ(place, perform, fenced):
    after, outcome = await perform("simplify", place(TOTAL), fenced(SIMPLE))
    assert after == "import os\n\n\n" + SIMPLE + "\n"
    (edit,) = outcome.replacements
    assert edit.text == "    return sum(items)"


async def test_a_method_is_indented_as_it_was(place, perform, fenced):
    marked = "class A:\n    def f▮(self):\n        x = 1\n        return x\n"
    after, _ = await perform("simplify", place(marked), fenced("def f(self):\n    return 1"))
    assert after == "class A:\n    def f(self):\n        return 1\n"


async def test_a_selection_is_simplified_whatever_it_is_in(place, perform, fenced):
    marked = "def f(x):\n    ▮a = x\n    b = a\n    c = b▮\n    return c\n"
    assert "Simplify the selection" in place(marked).titles
    after, _ = await perform("simplify", place(marked), fenced("c = x"))
    assert after == "def f(x):\n    c = x\n    return c\n"


@pytest.mark.parametrize("kind", ["simplify", "types", "translate", "fix", "tests"])
@pytest.mark.parametrize(("answer", "said"), WRONG_FORMS)
async def test_an_answer_in_the_wrong_form_changes_nothing(place, perform, kind, answer, said):
    with pytest.raises(ActionError, match=said):
        await perform(kind, with_problem(place(TOTAL)), answer, 0 if kind == "fix" else None)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def total(items, start=0):\n    return sum(items, start)", "another signature"),
        ("def other(items):\n    return sum(items)", "does not define total"),
        ("def total(items):\n    return sum((items", "does not define total"),
    ],
)
async def test_what_is_simplified_keeps_its_signature(place, perform, fenced, code, said):
    with pytest.raises(ActionError, match=said):
        await perform("simplify", place(TOTAL), fenced(code))


@pytest.mark.parametrize("kind", ["simplify", "translate", "fix"])
async def test_an_answer_that_is_the_same_is_said(place, perform, fenced, kind):
    at = with_problem(place(TOTAL))
    with pytest.raises(ActionError, match="would change nothing"):
        await perform(kind, at, fenced(at.text.partition("\n\n\n")[2].rstrip()), 0 if kind == "fix" else None)


@pytest.mark.parametrize(
    ("language", "marked", "answered", "after"),
    [
        (
            "python",
            "def f▮(a, b=1, *rest):\n    return a\n",
            "def f(a: int, b: int = 1, *rest: str) -> int:\n    return 2 * a",
            "def f(a: int, b: int = 1, *rest: str) -> int:\n    return a\n",
        ),
        (
            "python",
            "class A:\n    def f▮(self): return 1\n",
            "def f(self) -> int: return 1",
            "class A:\n    def f(self) -> int: return 1\n",
        ),
        (
            "typescript",
            "function f▮(a, b) {\n  return a;\n}\n",
            "function f(a: number, b: string): number {\n  return a;\n}",
            "function f(a: number, b: string): number {\n  return a;\n}\n",
        ),
    ],
)
async def test_types_are_added_to_the_signature_alone(place, perform, fenced, language, marked, answered, after):
    at = place(marked, language)
    assert "types" in at.kinds
    assert (await perform("types", at, fenced(answered, language)))[0] == after


@pytest.mark.parametrize("code", ["def total(things: list) -> int:\n    ...", "def total() -> int:\n    ..."])
async def test_types_leave_all_that_a_signature_has(place, perform, fenced, code):
    with pytest.raises(ActionError, match="another signature"):
        await perform("types", place(TOTAL), fenced(code))


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("python", "def f▮(self, a: int, *, b: str = '') -> None:\n    pass\n"),
        ("typescript", "function f▮(a: Map<string, number>, b?: string): void {\n}\n"),
        ("javascript", "function f▮(a) {\n}\n"),
    ],
)
async def test_types_that_are_there_are_not_offered(place, language, marked):
    assert "types" not in place(marked, language).kinds


async def test_comments_and_docstrings_are_translated(place, perform, fenced):
    code = 'def f(x):\n    """Return x."""\n    return x  # x itself'
    after, _ = await perform("translate", place(FOREIGN), fenced(code))
    assert after == code + "\n"
    assert "Translate comments to English" in place(FOREIGN).titles


async def test_a_translation_that_changes_code_is_shown_and_changes_nothing(place, perform, fenced):
    at = place(FOREIGN)
    after, outcome = await perform("translate", at, fenced('def f(x):\n    """Return x."""\n    return x + 1'))
    assert after == at.text
    assert isinstance(outcome, Told)
    assert "changes code" in outcome.reason
    assert "x + 1" in outcome.text


async def test_what_is_in_the_users_own_letters_is_not_to_be_translated(place):
    english = FOREIGN.replace("Возвращает x", "Return x").replace("сам x", "x itself")
    assert "translate" not in place(english).kinds
    assert "translate" in place(english, language=RUSSIAN).kinds
    assert "translate" not in place("def f▮(x):\n    return 'Возвращает'\n").kinds


async def test_a_problem_is_fixed_in_the_function_that_it_is_in(place, perform, fenced):
    at = with_problem(place(TOTAL))
    assert at.titles[0] == "Fix: undefined name 'lst'"
    code = "def total(items):\n    result = 0.0\n    for item in items:\n        result += item\n    return result"
    after, outcome = await perform("fix", at, fenced(code), 0)
    assert after == at.text.replace("= 0\n", "= 0.0\n")
    assert len(outcome.replacements) == 1


async def test_a_problem_outside_of_any_function_is_fixed_in_its_line(place, perform, fenced):
    at = with_problem(place("x = lst\ny = 1▮\n"), line=0)
    assert (await perform("fix", at, fenced("x = []"), 0))[0] == "x = []\ny = 1\n"


async def test_a_fix_that_adds_errors_is_shown_and_changes_nothing(place, perform, fenced):
    at = with_problem(place(TOTAL))
    after, outcome = await perform("fix", at, fenced("def total(items:\n    return"), 0)
    assert after == at.text
    assert isinstance(outcome, Told)


async def test_a_problem_that_is_gone_is_said(place, perform, fenced):
    with pytest.raises(ActionError, match="is gone"):
        await perform("fix", place(TOTAL), fenced("x"), 0)
    assert not [kind for kind in place(TOTAL).kinds if kind == "fix"]


async def test_a_local_variable_is_renamed_where_it_stands(place, perform):
    marked = "def f(items):\n    x▮ = sum(items)\n    print(a.x, g(x=x), f'{x}', 'x')\n    return x\n\n\nx = 1\n"
    after, outcome = await perform("rename", place(marked), "total")
    assert after == (
        "def f(items):\n    total = sum(items)\n    print(a.x, g(x=total), f'{total}', 'x')\n"
        "    return total\n\n\nx = 1\n"
    )
    assert len(outcome.replacements) == 4


@pytest.mark.parametrize(
    "marked",
    [
        "def f▮(items):\n    return items\n",
        "class Thing▮:\n    pass\n",
        "def f(items):\n    x▮ = 1\n    total = x\n    return total\n",
    ],
)
async def test_of_other_names_the_better_one_is_told_for_the_editors_own_rename(place, perform, marked):
    at = place(marked)
    after, outcome = await perform("rename", at, "total")
    assert after == at.text
    assert (outcome.name, outcome.reason) == ("total", "")


@pytest.mark.parametrize(
    "marked",
    [
        "def f(x▮):\n    x = 1\n    return x\n",
        "def f():\n    global x\n    x▮ = 1\n    return x\n",
        "def f():\n    x▮ = 1\n    return [x for x in y]\n",
        "def f():\n    x▮ = 1\n    def g():\n        return x\n",
        "x▮ = 1\n",
        "def f():\n    import x▮\n    x = 1\n",
        "class A:\n    def __init__▮(self):\n        pass\n",
    ],
)
async def test_a_name_that_others_may_know_is_no_local_variable(place, perform, marked):
    with pytest.raises(ActionError, match="no name here"):
        await perform("rename", place(marked), "total")


async def test_a_variable_of_a_function_that_is_not_all_looked_at_is_not_renamed_here(place, perform):
    at = place("def f():\n    x▮ = 1\n" + "    y = 1\n" * 2000 + "    return x\n")
    with pytest.raises(ActionError, match="no name here"):
        await perform("rename", at, "total")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "nothing to say"),
        ("x", "no better name than x"),
        ("a total", "is no name"),
        ("1st", "is no name"),
        ("total_of_all() or sum", "is no name"),
    ],
)
async def test_what_is_no_better_name_changes_nothing(place, perform, answer, said):
    with pytest.raises(ActionError, match=said):
        await perform("rename", place("def f():\n    x▮ = 1\n    return x\n"), answer)


@pytest.mark.parametrize("answer", ["total", "`total`", "```\ntotal\n```", "A better name is `total`.", "Name: total"])
async def test_a_name_is_found_in_what_models_say(place, perform, answer):
    after, _ = await perform("rename", place("def f():\n    x▮ = 1\n    return x\n"), answer)
    assert after == "def f():\n    total = 1\n    return total\n"


@pytest.mark.parametrize(
    ("language", "name", "names"),
    [
        ("python", "shop.py", ("test_shop.py", "test_shop_2.py")),
        ("typescript", "shop.ts", ("shop.test.ts", "shop_2.test.ts")),
        ("go", "shop.go", ("shop_test.go", "shop_2_test.go")),
        ("java", "Shop.java", ("ShopTest.java", "Shop_2Test.java")),
    ],
)
async def test_tests_are_a_file_beside_the_document(place, perform, fenced, language, name, names):
    marked = {"go": "func f▮() {\n}\n", "python": "def f▮():\n    pass\n"}.get(language, "class f▮ {\n}\n")
    code = {"go": "package f", "python": "f()"}.get(language, "class f {}")
    at = place(marked, language, name=name)
    after, outcome = await perform("tests", at, fenced(code + " // f" if language != "python" else code, language))
    assert after == at.text
    assert isinstance(outcome, NewFile)
    assert outcome.names[:2] == names


async def test_tests_with_errors_make_no_file(place, perform, fenced):
    _, outcome = await perform("tests", place(TOTAL), fenced("def test_total(:\n    assert total([]"))
    assert isinstance(outcome, Told)
    assert "no file is made" in outcome.reason


async def test_tests_of_something_else_make_no_file(place, perform, fenced):
    with pytest.raises(ActionError, match="do not use total"):
        await perform("tests", place(TOTAL), fenced("def test_other():\n    pass"))


async def test_tests_are_not_offered_for_tests_nor_for_a_document_without_a_file(place):
    assert "tests" not in place(TOTAL, name="test_shop.py").kinds
    assert "tests" not in place(TOTAL, name="ShopTest.java").kinds
    assert "tests" not in place(TOTAL, name="untitled").kinds
    assert "tests" in place(TOTAL, name="latest.py").kinds


async def test_a_selection_or_a_definition_is_explained(place, perform):
    _, outcome = await perform("explain", place(TOTAL), "It adds them.\n")
    assert outcome == Told("## total\n\nIt adds them.\n")
    selected = "x = 1\n▮y = x ** 2▮\n"
    assert "Explain the selection" in place(selected).titles
    assert (await perform("explain", place(selected), "A square."))[1] == Told("A square.\n")
    with pytest.raises(ActionError, match="nothing here"):
        await perform("explain", place("x = 1▮\n"), "It is one.")


@pytest.mark.parametrize(("answer", "said"), WRONG_FORMS[3:])
async def test_an_explanation_that_is_none_is_said(place, perform, answer, said):
    with pytest.raises(ActionError, match=said):
        await perform("explain", place(TOTAL), answer)


async def test_a_model_that_only_completes_explains_by_documentation(place, perform, fills):
    info = replace(SCRIPTED_MODEL, chats=False)
    at = place(TOTAL, abilities=fills)
    assert "Explain total" in at.titles
    _, outcome = await perform("explain", at, 'They are added.\n\n    More."""', info=info)
    assert outcome == Told("## total\n\nThey are added.\n")
    with pytest.raises(ActionError, match="nothing worth reading"):
        await perform("explain", at, "<|im_end|>", info=info)


async def test_a_model_that_can_do_neither_explains_nothing(place, perform):
    at = place(TOTAL, abilities=Abilities())
    assert "explain" not in at.kinds
    with pytest.raises(ModelUnsupportedError, match="choose one that chats"):
        await perform("explain", at, "It adds.")


async def test_answers_are_asked_for_in_the_users_language(place, perform):
    prompts = []

    def script(prompt):
        prompts.append(str(prompt))
        return "Складывает."

    await perform("explain", place(TOTAL, language=RUSSIAN), script)
    assert "in Russian" in prompts[0]
