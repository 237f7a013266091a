"""The smallest expression at a place in code."""

from __future__ import annotations

import pytest

from pylot_ls.syntax.expressions import expression_at
from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.parsing import parse

# ``▮`` stands before the character.
CASES = [
    ("python", "x = 1 ▮+ y * 2\n", "1 + y * 2"),
    ("python", "x = 1 + y ▮* 2\n", "y * 2"),
    ("python", "x ▮= 1\n", "x = 1"),
    ("python", "f▮(a, b)\n", "f(a, b)"),
    ("python", "f(a▮, b)[0]\n", "f(a, b)"),
    ("python", "f(a)[0▮]\n", "f(a)[0]"),
    ("python", "x = 1▮2.5\n", "12.5"),
    ("python", 'f("привет 🙂▮!", 2)\n', '"привет 🙂!"'),
    ("python", "if a ▮and not b: pass\n", "a and not b"),
    ("python", "if a and ▮not b: pass\n", "not b"),
    ("python", "y = [x ▮for x in z]\n", "[x for x in z]"),
    ("python", "y = a ▮if b else c\n", "a if b else c"),
    ("python", "▮return 1\n", None),
    ("python", "def f▮(a): pass\n", None),
    ("python", "def f(a)▮: pass\n", None),
    ("python", "class A▮: pass\n", None),
    ("python", 'def f():\n    """▮Doc."""\n', None),
    ("python", "x = 1  # ▮note\n", None),
    ("python", "x =▮ 1\n", None),
    ("python", "x = (((▮\n", None),
    ("typescript", "const x = a ▮=== 2;", "a === 2"),
    ("typescript", "g(`t ${a▮}`);", "`t ${a}`"),
    ("typescript", "const o = ▮{ k: 3 };", "{ k: 3 }"),
    ("go", "package m\nfunc f() int { return g(1) ▮+ s[0] }\n", "g(1) + s[0]"),
    ("rust", 'fn f() { println!▮("{}", x); }\n', 'println!("{}", x)'),
    ("rust", "fn f() -> R { g(3)▮? }\n", "g(3)?"),
    ("c", "int f(int *p) { return ▮*p + 1; }\n", "*p"),
    ("java", "class A { int f() { return new B▮(1).c; } }\n", "new B(1)"),
]


@pytest.mark.parametrize(("language_id", "marked", "expected"), CASES)
def test_the_smallest_expression_at_a_place(language_id, marked, expected):
    before, after = marked.split("▮")
    text = before + after
    parsed = parse(grammar(language_id), text.encode())
    found = expression_at(parsed, len(before.encode()))
    assert (None if found is None else text[found.start : found.end]) == expected
