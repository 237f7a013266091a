"""What is taken off a suggestion; each case reads as an example."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pylot_ls.features.trim import trim

texts = st.text("ab() \t\n", max_size=20)


@pytest.mark.parametrize(
    ("suggestion", "suffix", "shown"),
    [
        # Nothing to take off.
        ("a + b", "", "a + b"),
        ("a + b", "\nprint()", "a + b"),
        ("  a", "\n", "  a"),
        # White space at the end.
        ("a + b  ", "\n", "a + b"),
        ("a\n    b\n\n", "\n", "a\n    b"),
        ("  \n ", "\n", ""),
        ("", ")", ""),
        # What the rest of the line holds already.
        ("a, b)", ")", "a, b"),
        ("a, b):", "):", "a, b"),
        ("a, b):", ")", "a, b):"),
        ("a(b))", ")", "a(b)"),
        ("'key']", "'] = 1", "'key"),
        (")", ")", ""),
        ("a )", ")", "a"),
        ("a)", "  )", "a"),
        # Before the rest of a line only one line can stand.
        ("a\nb", ")", "a"),
        ("a  \nb", ")", "a"),
        # What the next line of the file holds already.
        ("x = 1\n    return x", "\n    return x\n", "x = 1"),
        ("x = 1\n    return x\n    y", "\n\n    return x\n", "x = 1"),
        ("return x", "\n    return x\n", ""),
        ("x = 1\n}", "\n}", "x = 1"),
        ("x = 1\n    return x", "\n    return y\n", "x = 1\n    return x"),
        # A line after the next one may well come twice.
        ("x = 1\n    pass", "\n    y = 1\n    pass\n", "x = 1\n    pass"),
    ],
)
def test_what_is_shown(suggestion, suffix, shown):
    assert trim(suggestion, suffix) == shown


@given(texts, texts)
@example("a \nb", ")")
def test_what_is_shown_is_a_beginning_of_the_suggestion_with_no_white_space_at_its_end(suggestion, suffix):
    shown = trim(suggestion, suffix)
    assert suggestion.startswith(shown)
    assert shown == shown.rstrip()


@given(st.text("ab()", min_size=1, max_size=8), st.text("ab()", min_size=1, max_size=8), st.integers(1, 8))
def test_the_head_of_the_rest_of_the_line_is_not_repeated(suggestion, rest, n_repeated):
    head = rest[:n_repeated]
    shown = trim(suggestion + head, rest)
    assert len(shown) <= len(suggestion)


@given(texts, st.text("ab()", min_size=1, max_size=5))
def test_the_next_line_is_not_repeated(suggestion, following):
    shown = trim(f"{suggestion}\n{following}\n", f"\n  {following}\n")
    assert following not in [line.strip() for line in shown.split("\n")]
