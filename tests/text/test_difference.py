"""Where two texts differ: the same answer as by looking at every character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.prefix_tree import common_prefix
from pylot_ls.text.difference import Difference, difference
from pylot_ls.text.rope import Text

LINES = "".join(f"line {number}\n" for number in range(5_000))


def by_character(old, new):
    if old == new:
        return None
    start = common_prefix(old, new)
    end = common_prefix(old[start:][::-1], new[start:][::-1])
    return Difference(start, len(old) - end, len(new) - end)


@given(st.text("ab\n", max_size=12), st.text("ab\n", max_size=12))
def test_it_is_the_shortest_range(old, new):
    assert difference(Text.from_str(old), Text.from_str(new)) == by_character(old, new)


@given(st.integers(0, len(LINES)), st.integers(0, 9_000), st.sampled_from(["", "x", "line\n" * 2_000]))
def test_of_an_edit_in_a_long_text_it_is_found_without_the_rest(start, n_deleted, typed):
    old = Text.from_str(LINES)
    new = old.replace(start, min(len(old), start + n_deleted), typed)
    assert difference(old, new) == by_character(LINES, str(new))
    assert difference(new, old) == by_character(str(new), LINES)


@pytest.mark.parametrize("text", ["", "a", LINES])
def test_equal_texts_have_none(text):
    assert difference(Text.from_str(text), Text.from_str(text)) is None
