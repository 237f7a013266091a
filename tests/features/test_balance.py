"""Brackets and quotes; each case is the line with the suggestion between ``<`` and ``>``, and what is shown of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.balance import balanced, begins_in_quotes


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        # What the rest of the line closes already.
        ("f(<a, b)>)", "a, b"),
        ("f(<a, b):>):", "a, b"),
        ("f(<a, b):>)", "a, b"),
        ("f(<a(b))>)", "a(b)"),
        ("f(<)>)", ")"),
        ("f(<a )>)", "a"),
        ("f(<a)>  )", "a"),
        ("x[<'key']>] = 1", "'key'"),
        ("x['<key']>'] = 1", "key"),
        ('print("<hello")>")', "hello"),
        # What it does not close.
        ("f(g(<a)>)", "a)"),
        ("f(<a), g(b>)", "a), g(b"),
        ('f("<a", "b>")', 'a", "b'),
        ("f(<a, b)>", "a, b)"),
        ("    <b)>", "b)"),
        ("x = '<it\\'s'>", "it\\'s'"),
        # What nothing closes.
        ("x = <f(a, g(b>", "f"),
        ("x = <f(a) + g(b>", "f(a) + g"),
        ("x = <a + 'b>", "a"),
        ("x = <[>", "["),
        ("x = <(a>", "(a"),
        ("x = f(<a, [b>)", "a"),
        # Brackets in strings and comments count for nothing.
        ("x = <'(' + a>", "'(' + a"),
        ("x = <1  # (a>", "1  # (a"),
        ('x = <"""(""" + a>', '"""(""" + a'),
        # Nothing to balance.
        ("x = <a>", "a"),
    ],
)
def test_what_is_shown(line, shown):
    line_before, rest = line.split("<")
    suggestion, rest_of_line = rest.split(">")
    assert balanced(suggestion, line_before, rest_of_line, "python") == shown


@pytest.mark.parametrize(
    ("language_id", "line", "shown"),
    [
        ("rust", "f(<&'a str)>)", "&'a str"),
        ("javascript", "f(<a)>) // (it's", "a"),
        ("javascript", "f(<`a`)>)", "`a`"),
        ("sql", "f(<a) -- (>)", "a) -- ("),
        ("unknown", "f(<a)>)", "a"),
        ("markdown", "(<it's (a)>", "it's (a)"),
    ],
)
def test_quotes_and_comments_are_the_languages(language_id, line, shown):
    line_before, rest = line.split("<")
    suggestion, rest_of_line = rest.split(">")
    assert balanced(suggestion, line_before, rest_of_line, language_id) == shown


def test_several_lines_stay_as_they_are():
    assert balanced("f(\n    a)", "x = ", ")", "python") == "f(\n    a)"


@pytest.mark.parametrize(("line", "expected"), [("x = '", True), ("x = ''", False), ("x = '''a", True), ("# '", False)])
def test_where_a_string_is_open(line, expected):
    assert begins_in_quotes(line, "python") is expected


pieces = st.lists(st.sampled_from([*"()[]{}\"'`\\ ,;#", "a", "é", "😀", "\ud800", "\0", '"""', "//"])).map("".join)


@given(pieces, pieces, pieces, st.sampled_from(["python", "rust", "javascript", "markdown", ""]))
def test_any_line_has_a_beginning_of_the_suggestion_shown(line_before, suggestion, rest_of_line, language_id):
    shown = balanced(suggestion, line_before, rest_of_line, language_id)
    assert suggestion.startswith(shown)
    assert balanced(shown, line_before, rest_of_line, language_id) == shown
