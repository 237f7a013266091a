"""What counts as typing along a suggestion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.along import closed_behind, n_typed, up_to_closer

CODE = st.text("ab([{<>}])\"'` \n", max_size=24)


@pytest.mark.parametrize(
    ("suggestion", "typed", "expected"),
    [
        ("total(x)", "", 0),
        ("total(x)", "tot", 3),
        ("total(x)", "total(x)", 8),
        ("total(x)", "ton", None),
        ("total(x)", "total(x) ", None),
        # Return, and what the editor makes of it.
        ("a\n    b\n    c", "a\n", 2),
        ("a\n    b\n    c", "a\n  ", 4),
        ("a\n    b\n    c", "a\n    ", 6),
        ("a\n    b\n    c", "a\n\t", 6),
        ("a\n\tb", "a\n    ", 3),
        ("a\n        b", "a\n\t", 6),
        ("a\n    b\n    c", "a\n\tb\n\t", 12),
        ("a\n    b\n    c", "a\n\tb", 7),
        ("a\n    b\n    c", "a\n\tc", None),
        ("a\n    b\n    c", "a\n        ", None),
        ("a\n    b\n    c", "a\n  b", None),
        ("a\n    b\n    c", "a\n    b\n    c\n", None),
        ("  a", "\ta", None),  # the line that is typed in already has its indentation
        ("ab\n  c", "a\n  ", None),
    ],
)
def test_how_much_of_a_suggestion_is_typed(suggestion, typed, expected):
    assert n_typed(suggestion, typed) == expected


@given(CODE, st.data())
def test_every_beginning_of_a_suggestion_is_typed_along(suggestion, data):
    n = data.draw(st.integers(0, len(suggestion)))
    assert n_typed(suggestion, suggestion[:n]) == n


@pytest.mark.parametrize(
    ("typed", "now", "before", "expected"),
    [
        ("x", "\nnext", "\nnext", ""),
        ("x", "y\nnext", "\nnext", None),
        ("x", "", "\nnext", None),
        ("f(", ")\nnext", "\nnext", ")"),
        ("f(", "\nnext", "\nnext", ""),
        ("f({", "})\nnext", "\nnext", "})"),
        ("f({", ")\nnext", "\nnext", ")"),
        ("f({", ")}\nnext", "\nnext", None),
        ('f("', '")\nnext', "\nnext", '")'),
        ('"""', '"""\nnext', "\nnext", '"""'),
        ("x", ")\nnext", "\nnext", None),
        # Return between brackets.
        ("f({\n    ", "\n})\nnext", "\nnext", "\n})"),
        # What stood there before is no part of it.
        ("f(", "))\n", ")\n", ")"),
        ("f", ")", ")", ""),
        # A bracket that was typed over is not there any more.
        ("x)", "", ")", ""),
        ("x)", ": ", "): ", ""),
        ("x", "", ")", None),
        ("x)", ")", ")", ""),
        ("f(a) + [", "]\n", ")\n", "]"),
    ],
)
def test_what_the_editor_has_closed(typed, now, before, expected):
    assert closed_behind(typed, now, before) == expected


@pytest.mark.parametrize(
    ("text", "closed", "expected"),
    [
        ("a, b)", "", "a, b)"),
        ("a, b)", ")", "a, b"),
        ("a, b) + c", ")", "a, b"),
        ("g(a), b) + c", ")", "g(a), b"),
        ("a, b", ")", "a, b"),
        ('a (b) c")', '")', "a (b) c"),
        (r"a \" b" + '" + c', '"', r"a \" b"),
        ('")") + c', ")", '")"'),
        ('Doc "quoted"."""\n', '"""', 'Doc "quoted".'),
        ('"""a)""")', ")", '"""a)"""'),
        ("a < b)", ")", "a < b"),
        ("list<int>> x", ">", "list<int>"),
        ("a,\n    b,\n)", "\n)", "a,\n    b,\n"),
    ],
)
def test_what_is_closed_already_is_not_closed_again(text, closed, expected):
    assert up_to_closer(text, closed) == expected


@given(CODE, CODE)
def test_nothing_is_added(text, closed):
    assert text.startswith(up_to_closer(text, closed))
