"""Where decoding may end; the cursor is ``|``."""

import pytest

from pylot_ls.features.shape import Shape
from pylot_ls.features.stopping import StopRule, one_unit
from pylot_ls.syntax.cursor import Syntax
from pylot_ls.syntax.window import Window


def at(language_id, marked):
    return Syntax.at(language_id, Window.around(*marked.split("|")))


@pytest.mark.parametrize(
    ("language_id", "marked", "shape", "text", "part"),
    [
        # A body ends where its bracket closes, whatever the indentation,
        ("javascript", "if (a) {\n|\n}\n", Shape(8, 0), "b();\n}\nc", "b();\n"),
        ("javascript", "if (a) {\n|\n}\n", Shape(8, 0), "b();\nif (c) {\n}\n", None),
        # with the bracket where that is not there yet.
        ("python", "foo(\n    |\n", Shape(8, 0, ")"), "a,\n)\nb", "a,\n)"),
        ("javascript", "foo(() => {\n    |\n", Shape(8, 0, "}"), "a();\n    });\nb", "a();\n    });"),
        # A statement of several lines ends where the next one begins,
        ("python", "|", Shape(8, 0), "def f():\n    return 1\ndef g():\n", "def f():\n    return 1"),
        # single lines follow each other.
        ("python", "|", Shape(8, 0), "import os\nimport re\n", None),
        # The shape's own limits count as before.
        ("python", "def f():\n    |\n", Shape(8, 4), "x = 1\ny", "x = 1"),
        ("python", "def f():\n    |\n", Shape(8, 4), "x = 1\n    y", None),
    ],
)
def test_the_part_that_is_complete(language_id, marked, shape, text, part):
    assert StopRule(shape, at(language_id, marked)).complete_part(text) == part


def test_without_a_grammar_the_shape_decides():
    assert StopRule(Shape(8, 4)).complete_part("x = 1\ny") == "x = 1"


def test_a_parse_is_made_once_for_each_complete_line_and_none_within_a_line():
    syntax = at("python", "def f():\n    |\n")
    asked = []
    syntax.end_of_unit = asked.append
    rule = StopRule(Shape(8, 4), syntax)
    text = "x = 1\n    y = 2\n    z"
    for n in range(len(text)):
        rule.complete_part(text[: n + 1])
    assert asked == ["x = 1\n", "x = 1\n    y = 2\n"]
    asked.clear()
    assert StopRule(Shape(1, 0), syntax).complete_part("x = 1\n") == "x = 1"
    assert not asked


@pytest.mark.parametrize(
    ("language_id", "marked", "text", "unit"),
    [
        ("python", "x = |\n", "1; y = 2", "1"),
        ("javascript", "f(|", "a); g();", "a);"),
        ("python", "x = |\n", "1", "1"),
        ("javascript", "f(() => {|", "\n  a();\n}); b", "\n  a();\n}); b"),
    ],
)
def test_one_unit(language_id, marked, text, unit):
    assert one_unit(text, at(language_id, marked)) == unit
