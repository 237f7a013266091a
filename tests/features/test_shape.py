"""How much is suggested where; each case reads as an example, the cursor is ``|``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.shape import Shape, indent_width, shape_at
from pylot_ls.syntax.cursor import Syntax
from pylot_ls.syntax.window import Window

BLOCK = Shape(8, 4)


@pytest.mark.parametrize(
    ("previous_line", "line", "expected"),
    [
        ("x = 1", "y = |", Shape(1, 0)),
        ("x = 1", "|", Shape(1, 0)),
        ("    x = 1", "    |", Shape(1, 0)),
        ("def f():", "    |", Shape(8, 4)),
        ("def f():", "|", Shape(8, 0)),
        ("def f():  ", "\t|", Shape(8, 4)),
        ("def f():", "    return |", Shape(1, 0)),
        ("def f():", "    | # here", Shape(1, 0)),
        ("    if (a) {", "        |", Shape(8, 8)),
        ("foo(", "    |", Shape(8, 4)),
        ("items = [", "    |", Shape(8, 4)),
        # The beginning of a file.
        ("", "|", Shape(8, 0)),
        ("", "import |", Shape(1, 0)),
    ],
)
def test_several_lines_only_where_a_block_or_the_file_begins(previous_line, line, expected):
    line_before, line_after = line.split("|")
    assert shape_at(line_before, line_after, previous_line, max_lines=8) == expected


@pytest.mark.parametrize(
    ("language_id", "text", "expected"),
    [
        # Where a body has nothing in it,
        ("python", "def f():\n    |\n", Shape(8, 4)),
        ("python", "def f():|\n", Shape(8, 1)),
        ("python", "x = 1\ndef f():\n    '''It is.'''\n    |\n", Shape(8, 4)),
        ("javascript", "f(() => {\n    |", Shape(8, 4, "}")),
        # and nowhere else:
        ("python", "def f():\n    |\n    return 1\n", Shape(1, 0)),
        ("python", "x = {'a':\n    |\n}\n", Shape(1, 0)),
        ("python", "x = '''to do:\n    |\n'''\n", Shape(1, 0)),
        ("python", "# to do:\n|\n", Shape(1, 0)),
        ("python", "x = foo(|", Shape(1, 0)),
    ],
)
def test_a_grammar_tells_where_a_body_begins(language_id, text, expected):
    before, after = text.split("|")
    syntax = Syntax.at(language_id, Window.around(before, after))
    *lines, line_before = before.split("\n")
    assert shape_at(line_before, after.split("\n")[0], lines[-1] if lines else "", 8, syntax) == expected


def test_a_user_may_want_one_line_only():
    syntax = Syntax.at("javascript", Window.around("f(() => {\n    ", ""))
    assert shape_at("    ", "", "def f():", max_lines=1) == Shape(1, 4)
    assert shape_at("    ", "", "f(() => {", max_lines=1, syntax=syntax) == Shape(1, 0)


@pytest.mark.parametrize(
    ("shape", "text", "part"),
    [
        # The rest of a line.
        (Shape(1, 0), "a + b", None),
        (Shape(1, 0), "a + b\n", "a + b"),
        (Shape(1, 0), "\n", ""),
        # A block ends at a line that stands further left, as soon as that can be told,
        (BLOCK, "x = 1\n    return x", None),
        (BLOCK, "x = 1\n    return x\n", None),
        (BLOCK, "x = 1\n    return x\n  ", None),
        (BLOCK, "x = 1\n    return x\n  p", "x = 1\n    return x"),
        (BLOCK, "x = 1\n    return x\n}", "x = 1\n    return x"),
        # at a blank line,
        (BLOCK, "x = 1\n\n    y = 2", "x = 1"),
        (BLOCK, "x = 1\n    \n", "x = 1"),
        # and at its longest.
        (Shape(2, 4), "x = 1\n    y = 2\n", "x = 1\n    y = 2"),
        (Shape(2, 4), "x = 1\n    y = 2\n    z", "x = 1\n    y = 2"),
        # A tab is as wide as the next stop.
        (BLOCK, "x = 1\n\treturn x", None),
        # Where a bracket is to be closed, that line is the last.
        (Shape(8, 4, "}"), "x;\n}", None),
        (Shape(8, 4, "}"), "x;\n});\ny", "x;\n});"),
        (Shape(8, 4, "}"), "x;\n)", "x;"),
        (Shape(1, 4, "}"), "x;\n}\n", "x;"),
        # A blank first line is the rest of the cursor's line.
        (BLOCK, "\n    x = 1", None),
    ],
)
def test_the_part_within_the_limits(shape, text, part):
    assert shape.complete_part(text) == part


@given(st.text("a} \n", max_size=40), st.integers(1, 4), st.integers(0, 4), st.sampled_from(["", "}"]))
def test_the_part_is_the_same_however_much_more_has_come(text, max_lines, indent, closer):
    shape = Shape(max_lines, indent, closer)
    parts = [part for n in range(len(text) + 1) if (part := shape.complete_part(text[:n])) is not None]
    assert len(set(parts)) <= 1
    assert all(text.startswith(part) and part.count("\n") < max_lines for part in parts)


@pytest.mark.parametrize(
    ("line", "width"),
    [("", 0), ("x", 0), ("  x", 2), ("\tx", 4), ("  \tx", 4), ("\t  x", 6), ("    ", 4)],
)
def test_the_width_of_an_indentation(line, width):
    assert indent_width(line) == width
