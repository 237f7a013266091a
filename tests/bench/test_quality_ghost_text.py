"""Of what llama-server generates the simulated Vim shows what llama.vim shows."""

from __future__ import annotations

import pytest

from pylot_ls.bench.ghost_text import TypedAlong, ghost_text
from pylot_ls.text.rope import Text


def shown(marked, generated):
    """What is shown with the cursor where ``|`` stands."""
    offset = marked.index("|")
    return ghost_text(generated, Text.from_str(marked.replace("|", "", 1)), offset)


@pytest.mark.parametrize(
    ("marked", "generated", "text"),
    [
        ("x = |\ny\n", "1\n\n", "1"),
        ("x = |\ny\n", "1\nz", "1\nz"),
        ("x = |\ny\n", " \n  ", ""),
        ("x = |\ny\n", "", ""),
        # On a line of white space the request begins at the line's start, and so does what is generated.
        ("if x:\n    |\ny\n", "    pass", "pass"),
        ("if x:\n    |\ny\n", "        pass", "    pass"),
        ("if x:\n    |\ny\n", "pass", "pass"),
        # Repeats of what stands behind the cursor.
        ("f(|)\n", ")", ""),
        ("f(|)\n", "a", "a"),
        ("a|\nb\nc\n", "\nb\nc", ""),
        ("|\n\nbar(1)\n", "bar(1)", ""),
        ("b|\n\nbar(1)\nbaz\n", "ar(1)\nba", ""),
        ("b|\n\nbar(1)\nbaz\n", "ar(1)\nbz", "ar(1)\nbz"),
        ("b|\nbar(1)\nbaz\nqux\n", "ar(1)\nbaz\nqux", ""),
        ("b|\nbar(1)\nbaz\nqux\n", "ar(1)\nbaz\nquux", "ar(1)\nbaz\nquux"),
    ],
)
def test_what_is_shown(marked, generated, text):
    assert shown(marked, generated) == text


def rest(generated, typed, offset=None):
    """What is left of what was generated at offset 2 after typing."""
    typed_along = TypedAlong()
    typed_along.add(2, generated)
    return typed_along.rest(Text.from_str("x " + typed), 2 + len(typed) if offset is None else offset)


@pytest.mark.parametrize(
    ("typed", "left"), [("", "= foo(1)"), ("= f", "oo(1)"), ("= foo(1)", ""), ("= g", ""), ("= foo(1)2", "")]
)
def test_a_suggestion_stays_while_it_is_typed_along(typed, left):
    assert rest("= foo(1)", typed) == left


def test_128_characters_back_and_no_further():
    assert rest("a" * 200, "a" * 128) == "a" * 72
    assert rest("a" * 200, "a" * 129) == ""


def test_the_longest_rest_is_shown_and_what_was_asked_for_here_goes_before_it():
    typed_along = TypedAlong()
    typed_along.add(0, "abcdef")
    typed_along.add(1, "bcdefgh")
    text = Text.from_str("abc")
    assert typed_along.rest(text, 2) == "cdefgh"
    typed_along.add(2, "c")
    assert typed_along.rest(text, 2) == "c"
    assert typed_along.rest(text, 3) == "defgh"
