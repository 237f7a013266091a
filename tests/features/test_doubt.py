"""A suggestion ends where the model is no longer sure."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.doubt import Doubt, certain


def test_it_ends_where_the_product_of_the_probabilities_falls_below_the_least():
    doubt = Doubt(0.1)
    assert [doubt.begins_with(math.log(p)) for p in (0.9, 0.5, 0.3, 0.5)] == [False, False, False, True]


def test_a_first_token_may_be_doubtful_already():
    assert Doubt(0.5).begins_with(math.log(0.49))


@pytest.mark.parametrize("logprob", [0.0, -5.0, -math.inf])
def test_with_nothing_demanded_nothing_is_doubtful(logprob):
    assert not Doubt(0).begins_with(logprob)


@pytest.mark.parametrize(
    ("text", "doubtful", "shown"),
    [
        ("self.get_na", "me", "self."),
        ("self.get_name", "(", "self.get_name"),
        ("self.get_name", "", "self.get_name"),
        ("self", "_x", ""),
        ("имя.пол", "ж", "имя."),
        ("return x\n    ", "y", "return x"),
        ("return x\n\n", "y", "return x"),
        ("return ", "x", "return "),
        ("\n    ", "x", ""),
        ("", "x", ""),
    ],
)
def test_neither_half_a_word_nor_a_line_begun_is_shown(text, doubtful, shown):
    assert certain(text, doubtful) == shown


@given(st.text(max_size=20), st.text(max_size=5))
def test_what_is_shown_is_the_texts_beginning(text, doubtful):
    assert text.startswith(certain(text, doubtful))
