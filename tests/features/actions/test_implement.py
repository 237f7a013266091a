from __future__ import annotations

import pytest

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Told

pytestmark = pytest.mark.asyncio

BODY = "for each in x:\n        yield each\n"


@pytest.mark.parametrize(
    ("language", "before", "written", "after"),
    [
        ("python", "def f▮(x):\n    pass\n", "return x\n", "def f(x):\n    return x\n"),
        ("python", "def f▮(x): ...\n\n\ny = 1\n", "return x\n\n\ny = 1", "def f(x):\n    return x\n\n\ny = 1\n"),
        (
            "python",
            "def f▮(x):\n\n\ndef g():\n    pass\n",
            "return x\n",
            "def f(x):\n    return x\n\n\ndef g():\n    pass\n",
        ),
        ("python", 'def f▮(x):\n    """Do."""\n', "return x\n", 'def f(x):\n    """Do."""\n    return x\n'),
        (
            "python",
            'class A:\n    def f▮(x):\n        """Do."""\n        raise NotImplementedError\n\n    y = 1\n',
            "x = 1\n\n        return x\n\n    def g(x):\n",
            'class A:\n    def f(x):\n        """Do."""\n        x = 1\n\n        return x\n\n    y = 1\n',
        ),
        (
            "python",
            "def f▮(x):\n    # TODO: count them\n    ...\n",
            "return len(x)\n",
            "def f(x):\n    # count them\n    return len(x)\n",
        ),
        ("javascript", "function f▮(x) {}\n", "return x;\n}\n", "function f(x) {\n    return x;\n}\n"),
        (
            "typescript",
            "class A {\n  f▮(x) {\n    throw new Error('not implemented');\n  }\n}\n",
            "return x;\n  }\n\n  g() {\n",
            "class A {\n  f(x) {\n    return x;\n  }\n}\n",
        ),
        ("rust", "fn f▮(x: i32) -> i32 {\n    todo!()\n}\n", "x + 1\n}\n", "fn f(x: i32) -> i32 {\n    x + 1\n}\n"),
        ("go", 'func f▮() int {\n\tpanic("TODO")\n}\n', "return 1\n}\n", "func f() int {\n\treturn 1\n}\n"),
        ("c", "int f▮(int x)\n{\n}\n", "return x;\n}\n", "int f(int x)\n{\n    return x;\n}\n"),
    ],
)
@pytest.mark.parametrize("terminator", ["\n", "\r\n"])
async def test_a_model_that_completes_writes_the_body_and_no_more(
    place, perform, fills, language, before, written, after, terminator
):
    at = place(before.replace("\n", terminator), language, fills)
    assert at.kinds[0] == "implement"
    found, _ = await perform("implement", at, written)
    assert found == after.replace("\n", terminator)


@pytest.mark.parametrize(
    ("before", "answered", "after"),
    [
        ("def f▮(x):\n    pass\n", "def f(x):\n    return x", "def f(x):\n    return x\n"),
        (
            'class A:\n    def f▮(x):\n        """Do."""\n',
            'def f(x):\n    """Other."""\n    if x:\n        return 1\n    return 2',
            'class A:\n    def f(x):\n        """Do."""\n        if x:\n            return 1\n        return 2\n',
        ),
        ("def f▮(x): ...\n", "def f(x): return x", "def f(x):\n    return x\n"),
    ],
)
async def test_of_what_a_model_answers_the_body_counts(place, perform, fenced, before, answered, after):
    found, _ = await perform("implement", place(before), fenced(answered))
    assert found == after


async def test_a_comment_that_says_what_is_to_be_done_gets_its_code(place, perform, fenced, fills):
    marked = "def f(x):\n    y = 1\n    # TODO(me): add▮ y\n    return x\n"
    after = "def f(x):\n    y = 1\n    # add y\n    x += y\n    return x\n"
    assert place(marked).titles[0] == "Implement this TODO"
    assert (await perform("implement", place(marked), fenced("x += y")))[0] == after
    assert (await perform("implement", place(marked, abilities=fills), "x += y\n    return x\n"))[0] == after


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "nothing to say"),
        ("pass\n", "left it empty"),
        ("# later\n    ...\n", "left it empty"),
        ("return x<|endoftext|>", "what is no text"),
        ("x = x + x\n    " * 40, "did not come to an end"),
    ],
)
async def test_a_useless_body_changes_nothing(place, perform, fills, answer, said):
    with pytest.raises(ActionError, match=said):
        await perform("implement", place("def f▮(x):\n    pass\n", abilities=fills), answer)


@pytest.mark.parametrize("answer", ["return ((x\n", "if x:\n", "x = 1\n            y = 2\n"])
async def test_a_body_with_errors_is_shown_and_changes_nothing(place, perform, fills, answer):
    at = place("def f▮(x):\n    pass\n", abilities=fills)
    after, outcome = await perform("implement", at, answer)
    assert after == at.text
    assert isinstance(outcome, Told)
    assert "has errors" in outcome.reason
    assert answer.rstrip() in outcome.text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("return x", "has no code"),
        ("```python\ndef f(x):\n    return x\n", "does not end"),
        ("```python\ndef g(x):\n    return x\n```", "does not define f"),
        ("```python\ndef f(x:\n```", "does not define f"),
        ("```python\ndef f(x):\n    pass\n```", "left it empty"),
    ],
)
async def test_an_answer_in_the_wrong_form_changes_nothing(place, perform, answer, said):
    with pytest.raises(ActionError, match=said):
        await perform("implement", place("def f▮(x):\n    pass\n"), answer)


@pytest.mark.parametrize(
    "marked",
    ["def f▮(x):\n    return x\n", "x = 1▮\n", "class A▮:\n    pass\n", "y = 1  # TODO▮: later\n", "# what▮ it is\n"],
)
async def test_what_has_a_body_is_not_implemented(place, perform, fenced, marked):
    assert "implement" not in place(marked).kinds
    with pytest.raises(ActionError, match="nothing here"):
        await perform("implement", place(marked), fenced("x"))
