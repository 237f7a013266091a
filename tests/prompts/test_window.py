"""Windows of a document: within their size, whole lines where possible, with borders that rest."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pylot_ls.prompts.window import window_end, window_start, with_line_feeds
from pylot_ls.text.rope import Text

lines = st.lists(st.text("ab é😀", max_size=12), max_size=40)
documents = st.builds(str.join, st.sampled_from(["\n", "\r\n", "\r"]), lines)
places = st.floats(0, 1)
sizes = st.integers(4, 60)


def text_before(text, offset, size):
    return text.slice(window_start(text, offset, size), offset)


def text_after(text, offset, size):
    return text.slice(offset, window_end(text, offset, size))


def place(content, where):
    """An offset that is not inside a CRLF; editors know no such place."""
    offset = round(where * len(content))
    assume(content[offset - 1 : offset + 1] != "\r\n")
    return offset


@given(documents, places, sizes)
def test_a_window_before_is_the_end_of_what_stands_there(content, where, size):
    offset = place(content, where)
    window = text_before(Text.from_str(content), offset, size)
    assert len(window) <= size
    assert content[:offset].endswith(window)
    # Half of what was asked for at least, so that the model sees where it is.
    assert len(window) >= min(offset, size - 2 * (size // 4))


@given(documents, places, sizes)
def test_a_window_after_is_the_beginning_of_what_stands_there(content, where, size):
    offset = place(content, where)
    window = text_after(Text.from_str(content), offset, size)
    assert len(window) <= size
    assert content[offset:].startswith(window)
    rest = content[offset:]
    # It ends where a line ends, unless its first line is too long, or there is no more.
    assert len(rest) <= size or window.endswith(("\n", "\r")) or len(window) == size


@given(lines, places, sizes)
def test_a_window_before_begins_with_a_line_unless_the_line_is_long(lines, where, size):
    content = "\n".join(lines)
    offset = place(content, where)
    start = offset - len(text_before(Text.from_str(content), offset, size))
    step = size // 4
    if start > 0 and content[start - 1] != "\n":
        assert start % step == 0
        assert "\n" not in content[start : start + step - 1]


@given(lines, st.text("ab\n", min_size=1, max_size=120), sizes)
def test_while_typing_forward_the_border_moves_once_in_a_quarter_window(lines, typed, size):
    before = "\n".join(lines)
    starts = []
    for n in range(len(typed) + 1):
        content = before + typed[:n]
        starts.append(len(content) - len(text_before(Text.from_str(content), len(content), size)))
    assert starts == sorted(starts)
    moves = [n for n in range(1, len(starts)) if starts[n] != starts[n - 1]]
    assert all(later - earlier >= size // 4 for earlier, later in itertools.pairwise(moves))


@given(lines, places, st.sampled_from("\n\n ab"), sizes)
def test_typing_does_not_change_the_window_after(lines, where, typed, size):
    content = "\n".join(lines)
    offset = place(content, where)
    text = Text.from_str(content)
    after = text_after(text.replace(offset, offset, typed), offset + 1, size)
    assert after == text_after(text, offset, size)


def test_the_end_of_a_long_last_line_is_in_the_window():
    text = Text.from_str("x" * 10_000)
    window = text_before(text, len(text), 400)
    assert 300 <= len(window) <= 400


def test_the_end_of_a_long_line_above_is_in_the_window():
    text = Text.from_str("x" * 10_000 + "\n")
    assert text_before(text, len(text), 400).endswith("xxx\n")


@pytest.mark.parametrize("terminator", ["\n", "\r\n", "\r"])
def test_every_terminator_is_given_as_a_line_feed(terminator):
    assert with_line_feeds(f"a{terminator}b{terminator}{terminator}c") == "a\nb\n\nc"


def test_an_empty_document_has_empty_windows():
    assert text_before(Text.from_str(""), 0, 100) == text_after(Text.from_str(""), 0, 100) == ""
