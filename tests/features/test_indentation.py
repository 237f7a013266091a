"""Lines a suggestion adds are indented as those around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.indentation import indented_as

TABS = "def f():\n\tif a:\n\t\tb\n\ndef g():\n\t"
SPACES = "def f():\n    if a:\n        b\n\ndef g():\n    "
TWO_SPACES = "def f():\n  if a:\n    b\n\ndef g():\n  "


@pytest.mark.parametrize(
    ("before", "text", "shown"),
    [
        # Tabs where there are tabs,
        (TABS, "x = 1\n    return x", "x = 1\n\treturn x"),
        (TABS, "if a:\n        return x", "if a:\n\t\treturn x"),
        (TABS, "if a:\n    b\n  c", "if a:\n\t\tb\n\tc"),
        (TABS, "f(a,\n\t  b)", "f(a,\n\t  b)"),
        # spaces where there are spaces, as many as the file's blocks have,
        (SPACES, "x = 1\n\treturn x", "x = 1\n    return x"),
        (SPACES, "if a:\n\t\treturn x", "if a:\n        return x"),
        (TWO_SPACES, "if a:\n\t\treturn x", "if a:\n    return x"),
        # on the first line, too, where it has nothing else yet,
        ("def f():\n\tb\n", "    c", "\tc"),
        ("def f():\n\tb\na = ", "    c", "    c"),
        ("def f():\n\tb\ndef g():", "\n    c", "\n\tc"),
        # and as they come where the file has neither.
        ("def f():\n", "    x = 1\n\ty", "    x = 1\n\ty"),
        ("\ta\n    b\n    ", "c\n    d\n\te", "c\n    d\n\te"),
    ],
)
def test_what_is_shown(before, text, shown):
    assert indented_as(text, before, "\n") == shown


def test_the_lines_below_say_it_as_well():
    assert indented_as("b\n    c", "a:\n", "\n\td\n\te\n") == "b\n\tc"


lines = st.lists(st.sampled_from(["a", "\tb", "    c", "  d", " \t e", "", "\t", "é"])).map("\n".join)


@given(lines, lines, lines)
def test_nothing_but_white_space_before_lines_changes(text, before, after):
    shown = indented_as(text, before, after)
    assert [line.lstrip(" \t") for line in shown.split("\n")] == [line.lstrip(" \t") for line in text.split("\n")]
