from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.repetition import repeats


@pytest.mark.parametrize(
    "text",
    ["b, b, b, b, b, b, b, b, b", "1" + "0" * 30, "self.path.exists(" * 4, "return a" + " and item is not None" * 4],
)
def test_a_model_that_has_lost_the_thread_is_noticed(text):
    assert repeats(text)


@pytest.mark.parametrize(
    "text",
    ["", "x", "return a + b", "# ------------------", "[0, 0, 0, 0]", "((((a))))", "is not None and item is not None"],
)
def test_code_is_left_alone(text):
    assert not repeats(text)


@given(st.text(), st.text(min_size=1, max_size=10))
def test_whatever_is_repeated_often_enough_is_noticed(before, unit):
    assert repeats(before + unit * 24)


@given(st.text(max_size=20))
def test_short_text_is_never_taken_for_it(text):
    assert not repeats(text)
