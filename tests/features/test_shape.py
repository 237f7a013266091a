"""How much is suggested where; each case reads as an example, the cursor is ``|``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.shape import Shape, indent_width, shape_at

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


def test_a_user_may_want_one_line_only():
    assert shape_at("    ", "", "def f():", max_lines=1).max_lines == 1


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
        # A blank first line is the rest of the cursor's line.
        (BLOCK, "\n    x = 1", None),
    ],
)
def test_the_part_within_the_limits(shape, text, part):
    assert shape.complete_part(text) == part


@given(st.text("ab \n", max_size=40), st.integers(1, 4), st.integers(0, 4))
def test_the_part_is_the_same_however_much_more_has_come(text, max_lines, indent):
    shape = Shape(max_lines, indent)
    parts = [part for n in range(len(text) + 1) if (part := shape.complete_part(text[:n])) is not None]
    assert len(set(parts)) <= 1
    assert all(text.startswith(part) and part.count("\n") < max_lines for part in parts)


@pytest.mark.parametrize(
    ("line", "width"),
    [("", 0), ("x", 0), ("  x", 2), ("\tx", 4), ("  \tx", 4), ("\t  x", 6), ("    ", 4)],
)
def test_the_width_of_an_indentation(line, width):
    assert indent_width(line) == width
