import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.cuts import shorter


@pytest.mark.parametrize(
    ("text", "cuts"),
    [
        ("foo(a, b)", ["foo(a, b", "foo(a", "foo"]),
        ("a + b", ["a"]),
        ("x = 1\ny = 2\nz", ["x = 1\ny = 2", "x = 1", "x"]),
        ("x", []),
        ("", []),
        ("(((", []),
        ("'a' + 'b'", ["'a' + 'b", "'a' + '", "'a'", "'a"]),
    ],
)
def test_the_longest_comes_first_and_nothing_dangles(text, cuts):
    assert list(shorter(text)) == cuts


@given(st.text("ab(), \n.+é😀"))
def test_each_is_shorter_than_the_one_before_and_holds_a_word(text):
    cuts = list(shorter(text))
    assert all(text.startswith(cut) and any(map(str.isalnum, cut)) for cut in cuts)
    assert len(set(cuts)) == len(cuts)
    assert all(len(cut) < len(text) for cut in cuts)
