"""What is wrong with a suggestion whoever wrote it; the cursor is ``|``."""

from __future__ import annotations

import pytest

from pylot_ls.bench.flaws import adds_errors, repeats


@pytest.mark.parametrize(
    ("marked", "suggestion"),
    [
        # Its end is what follows, on the line or below, white space aside,
        ("f(|, b)\n", "a, b)"),
        ("f(|, bc)\n", "a , b c )"),
        ("x = |\nfoo(1)\n", "foo("),
        ("x = |\n\n\n  foo(1)\n", "y\nfoo(1)"),
        # all of it is,
        ("x|return\n", "return"),
        # or one of its lines is the next one.
        ("|\n    return x\n", "y = 1\n    return x\n    z"),
        ("    |\n    pass\n", "pass"),
        ("x = |\nx = 1\n", "1"),
        ("x = |)\nx = f(1)\n", "f(1"),
        ("if a:\n    |\n}\n", "b\n}\nc"),
    ],
)
def test_what_repeats_what_follows(marked, suggestion):
    assert repeats(suggestion, *marked.split("|"))


@pytest.mark.parametrize(
    ("marked", "suggestion"),
    [
        ("f(|)\n", "a)"),
        ("f(|, b)\n", "a"),
        ("f(|))\n", "a))"),
        ("x = |\ny = 2\n", "1"),
        ("x = |\n\ny = 2\nx = 1\n", "1"),
        # A line that was begun in another block, and a bracket of another one.
        ("    return |\nreturn x\n", "None"),
        ("    x = |\nx = 1\n", "1"),
        ("    |\n}\n", "b\n  }"),
        ("|", "x"),
        ("|x", ""),
        ("|  \n \n", "  \n"),
    ],
)
def test_what_does_not(marked, suggestion):
    assert not repeats(suggestion, *marked.split("|"))


@pytest.mark.parametrize(
    ("language_id", "marked", "suggestion", "expected"),
    [
        ("python", "x = |\n", "1", False),
        ("python", "x = 1|\n", ")", True),
        # What was in error before is the measure,
        ("python", "f(|\n", "a)", False),
        ("python", "f(|\n", "a", False),
        ("javascript", "f(() => {\n|\n", "a();\n", False),
        ("javascript", "f(|)\n", "a;", True),
        # and the whole file counts.
        ("python", "x = |\n" + "y = 1\n" * 20_000 + "'''\n", "'''", False),
        ("python", "x = |\n" + "y = 1\n" * 20_000, "'''", True),
        ("markdown", "|", ")", None),
    ],
)
def test_what_adds_errors(language_id, marked, suggestion, expected):
    assert adds_errors(suggestion, *marked.split("|"), language_id) is expected
