"""When a suggestion is looked at and what is taken of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.bench.looks import Ask, Typing

TEXTS = st.text("ab. \n\t(", min_size=1, max_size=60)


def looked_at(text, ask):
    """The text with ``|`` where the person looks."""
    looks = Typing(text).looks(ask)
    return "".join(("|" if offset in looks else "") + text[offset : offset + 1] for offset in range(len(text) + 1))


@pytest.mark.parametrize(
    ("ask", "marked"),
    [
        (Ask.LINE, "\n    |if x.y():|\n        |return 1|"),
        (Ask.WORD, "\n    |if |x.|y():|\n        |return |1|"),
        (Ask.EVERY, "\n    |i|f| |x|.|y|(|)|:|\n        |r|e|t|u|r|n| |1|"),
    ],
)
def test_where_the_person_looks_when_lines_are_typed(ask, marked):
    assert looked_at(marked.replace("|", ""), ask) == marked


@pytest.mark.parametrize(
    ("ask", "marked"),
    [(Ask.LINE, "|.x(a|"), (Ask.WORD, "|.|x(|a|"), (Ask.EVERY, "|.|x|(|a|")],
)
def test_within_a_line_the_person_looks_before_the_first_keystroke_too(ask, marked):
    assert looked_at(marked.replace("|", ""), ask) == marked


def test_a_blank_line_is_a_place_to_look():
    assert looked_at("\na\n\n  \nb", Ask.LINE) == "\n|a|\n|\n  |\n|b|"


@pytest.mark.parametrize(
    ("suggestion", "accepted"),
    [
        ("self.name\n        return x", "self.name\n        return x"),
        ("self.name\n        return y", "self.name"),
        ("self.name\n    return x", "self.name"),
        ("self.names", "self"),
        ("self.na", "self.na"),
        ("sel", "sel"),
        ("s", ""),
        ("selfish", ""),
        ("self\n", "self"),
        (" self", ""),
        ("", ""),
        ("\nself", ""),
    ],
)
def test_the_longest_of_all_a_line_and_a_word_is_taken_where_it_is_what_comes_next(suggestion, accepted):
    assert Typing("self.name\n        return x = 1").accepted(suggestion, 0) == accepted


def test_one_press_takes_one_word_or_one_run_of_signs_with_the_blanks_before_it():
    typing = Typing("a == bcd")
    assert typing.accepted(" == bce", 1) == " =="
    assert typing.accepted(" bcd)", 4) == " bcd"


def test_indentation_that_the_editor_gives_saves_nothing():
    assert Typing("a\n    b").accepted("\n    ", 1) == ""


def test_nothing_is_taken_beyond_the_end():
    assert Typing("x = 1").accepted("1)", 4) == ""
    assert Typing("x = 10").accepted("10)\ny", 4) == "10"


@pytest.mark.parametrize(
    ("suggestion", "is_right"),
    [
        ("ab", True),
        ("abc", True),
        ("abcd", False),
        ("b", False),
        ("abc\nxyz", True),
        ("abc\nfoo", True),
        ("\nabc", False),
    ],
)
def test_a_suggestion_is_right_if_its_first_line_is_what_comes_next_or_its_beginning(suggestion, is_right):
    assert Typing("abc\nxyz").is_right(suggestion, 0) is is_right


def test_a_suggestion_that_begins_with_a_new_line_is_judged_by_the_line_after():
    assert Typing("abc\n  xyz").is_right("\n  xy", 3)
    assert not Typing("abc\n  xyz").is_right("\n  z", 3)
    assert not Typing("abc").is_right("d", 3)


def test_return_counts_as_a_character_and_the_indentation_after_it_does_not():
    typing = Typing("\n    a b\n\n\tc ")
    assert typing.n_characters() == len("\na b\n\nc ")
    assert typing.n_characters(0, 5) == 1
    assert Typing("  a").n_characters() == 3


@given(TEXTS)
def test_keystrokes_type_the_text_and_each_is_one_character_to_type(text):
    typing, typed = Typing(text), ""
    n_keystrokes = 0
    while typed != text:
        typed += typing.keystroke(len(typed))
        n_keystrokes += 1
    assert n_keystrokes == typing.n_characters()


@given(TEXTS, TEXTS, st.integers(0, 60))
def test_what_is_taken_is_what_comes_next_and_a_beginning_of_the_suggestion(text, suggestion, at):
    at = min(at, len(text))
    accepted = Typing(text).accepted(suggestion, at)
    assert text.startswith(accepted, at)
    assert suggestion.startswith(accepted)


@given(TEXTS)
def test_who_looks_at_lines_looks_at_words_and_everywhere_too(text):
    line, word, every = (Typing(text).looks(ask) for ask in (Ask.LINE, Ask.WORD, Ask.EVERY))
    assert line <= word <= every
