"""Which part of a text is parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.syntax import window
from pylot_ls.syntax.parsing import MAX_BYTES
from pylot_ls.syntax.window import Window, encode


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(window, "BEFORE_BYTES", 20)
    monkeypatch.setattr(window, "AFTER_BYTES", 10)


def test_a_window_is_a_small_part_of_what_may_be_parsed():
    assert window.BEFORE_BYTES + window.AFTER_BYTES <= MAX_BYTES / 2


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # All of a short text,
        ("a\nb|c\nd", "a\nb|c\nd"),
        ("|", "|"),
        # else whole lines,
        ("0123456789\n0123456789\nb|", "0123456789\nb|"),
        ("b|\n01234\n01234", "b|\n01234\n"),
        # counted in bytes,
        ("ж" * 9 + "\nb|", "ж" * 9 + "\nb|"),
        ("ж" * 10 + "\nb|", "b|"),
        ("b|\n" + "ж" * 4, "b|\n" + "ж" * 4),
        ("b|\n" + "ж" * 5, "b|\n"),
        # and nothing of a line that is too long.
        ("x" * 21 + "|", None),
        ("|" + "x" * 11, None),
        ("a\n" + "x" * 19 + "|", "x" * 19 + "|"),
    ],
)
def test_the_window(text, expected):
    before, after = text.split("|")
    found = Window.around(before, after)
    assert (found and f"{found.before}|{found.after}") == expected


def test_a_window_that_is_cut_begins_where_a_definition_does_if_that_is_near():
    method = "    def method(self):\n        '''It's (one.'''\n\n"
    head = "half of\nit's text\n'''\n\n"
    before = head + "class A:\n" + method * 2_000
    assert Window.around(before, "", is_whole=True).before.startswith("    def")
    short = head + "class A:\n" + method * 100
    assert Window.around(short, "", is_whole=True).before == short
    assert Window.around(short, "", is_whole=False).before == short.removeprefix(head)


@pytest.mark.usefixtures("small")
@given(st.text("aж😀\n\ud800\0", max_size=60), st.text("aж😀\n\ud800\0", max_size=60))
def test_a_window_is_whole_lines_around_the_cursor_and_no_larger_than_it_may_be(before, after):
    found = Window.around(before, after)
    if found is not None:
        assert len(encode(found.before)) <= 20
        assert len(encode(found.after)) <= 10
        seen_before, seen_after = encode(before).decode(), encode(after).decode()
        start = len(seen_before) - len(found.before)
        assert encode(found.before).decode() == seen_before[start:]
        assert start == 0 or seen_before[start - 1] == "\n"
        assert seen_after.startswith(encode(found.after).decode())
        assert found.after in {after, ""} or found.after.endswith("\n")
