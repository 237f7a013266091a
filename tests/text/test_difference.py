"""The one edit between two snapshots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.text.difference import Edit, difference
from pylot_ls.text.rope import Text

few_letters = st.text(st.sampled_from("ab\r\n"), max_size=12)


def edit_between(before, after, offset):
    return difference(Text.from_str(before), Text.from_str(after)).edit_near(offset)


@pytest.mark.parametrize(
    ("before", "after", "offset", "edit"),
    [
        pytest.param("x = )", "x = foo())", 4, Edit(4, 4, 9), id="insertion"),
        pytest.param("aab", "aabab", 1, Edit(1, 1, 3), id="insertion among its like, at the offset"),
        pytest.param("aab", "aabab", 0, Edit(1, 1, 3), id="insertion among its like, nearest to the offset"),
        pytest.param("aaaa", "aaa", 2, Edit(1, 2, 1), id="backspace among its like"),
        pytest.param("foo bar", "foo baz", 0, Edit(6, 7, 7), id="replacement"),
        pytest.param("", "new", 0, Edit(0, 0, 3), id="into nothing"),
        pytest.param("old", "", 3, Edit(0, 3, 0), id="all gone"),
    ],
)
def test_the_edit_is_the_smallest_nearest_to_the_offset(before, after, offset, edit):
    assert edit_between(before, after, offset) == edit


def test_equal_texts_do_not_differ():
    text = Text.from_str("a" * 20_000)
    assert difference(text, text) is None
    assert difference(text, Text.from_str("a" * 20_000)) is None
    assert difference(text, text.replace(9, 10, "a")) is None


@given(st.text(st.sampled_from("ab"), max_size=30), st.data(), few_letters, st.integers(0, 40))
def test_the_edit_leads_from_one_text_to_the_other(before, data, new, offset):
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(before))] * 2)))
    after = before[:start] + new + before[end:]
    changed = difference(Text.from_str(before), Text.from_str(after))
    if changed is None:
        assert before == after
        return
    edit = changed.edit_near(offset)
    assert before[: edit.start] + after[edit.start : edit.new_end] + before[edit.end :] == after
    assert edit.end - edit.start + edit.new_end - edit.start <= end - start + len(new)


@given(st.integers(0, 60_000), st.integers(0, 9), st.sampled_from(["x", "line 1\n", ""]))
def test_chunks_that_both_share_change_nothing(start, n_deleted, new):
    before = Text.from_str("".join(f"line {n}\n" for n in range(6_000)))
    start = min(start, len(before) - n_deleted)
    after = before.replace(start, start + n_deleted, new)
    plain = difference(Text.from_str(str(before)), Text.from_str(str(after)))
    assert difference(before, after) == plain
