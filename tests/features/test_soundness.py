"""What is shown adds no errors; the cursor is ``|``."""

import pytest

from pylot_ls.features.soundness import sound
from pylot_ls.syntax.cursor import Syntax
from pylot_ls.syntax.window import Window


def at(marked, language_id="python"):
    return Syntax.at(language_id, Window.around(*marked.split("|")))


@pytest.mark.parametrize(
    ("marked", "suggestion", "shown"),
    [
        # What makes it no worse is shown as it is,
        ("x = |\n", "f(a)", "f(a)"),
        ("x = (|\n", "f(a)", "f(a)"),
        ("x = (|\n", "f(a))", "f(a))"),
        ("if |\n", "x:", "x:"),
        # its longest cut where all of it does,
        ("x = |\ny = 1\n", "f(a, b", "f"),
        ("f(|)\n", "a, b))", "a, b"),
        ("def f():\n    |\n", "x = 1\n    y = (", "x = 1"),
        ("def f():\n    |\n", "x = 1 +", "x = 1"),
        # and nothing where each does.
        ("x = 1\n|\n", ")", ""),
        ("x = 1|\n", " 2", ""),
    ],
)
def test_what_is_shown(marked, suggestion, shown):
    assert sound(suggestion, at(marked)) == shown


def test_only_so_many_cuts_are_tried():
    syntax = at("x = 1|\n")
    tried = []
    count, syntax.n_errors = syntax.n_errors, lambda text="": tried.append(text) or count(text)
    assert sound(" a" * 50, syntax) == ""
    assert len(set(tried)) < 12


def test_where_nothing_is_known_it_is_shown():
    syntax = at("x = 1|\n")
    syntax.n_errors = lambda text="": None if text else 0
    assert sound(" 2", syntax) == " 2"
