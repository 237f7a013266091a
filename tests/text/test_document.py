"""Edits of documents as clients send them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylot_ls.errors import PositionError
from pylot_ls.text.document import Change, Document
from pylot_ls.text.position import Position, PositionEncoding
from pylot_ls.text.rope import Text

HOSTILE = "\r\n\r\nab \f\v\x1c\x85\u2028é\u0301漢😀\ud83d\ude00"
hostile_text = st.text(st.sampled_from(HOSTILE), max_size=30)
positions = st.builds(Position, st.integers(0, 8), st.integers(0, 20))
changes = st.builds(Change, positions, positions, hostile_text) | st.builds(Change, st.none(), st.none(), hostile_text)


def document(text, version=1):
    return Document("file:///a.py", "python", version, Text.from_str(text))


def edited(text, *edits, encoding=PositionEncoding.UTF16):
    return str(document(text).apply(edits, 2, encoding).text)


def client_edit(source, change, encoding):
    """What a client holds after the change, found in the bytes of its own encoding."""
    if change.start is None:
        return change.text
    start, end = sorted(client_offset(source, place, encoding) for place in (change.start, change.end))
    return source[:start] + change.text + source[end:]


def client_offset(source, position, encoding):
    """Walk to the position character by character, as LSP describes it."""
    unit_bytes = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = encoding if encoding == "utf-8" else f"{encoding}-le"
    line = units = offset = 0
    while offset < len(source):
        here = source[offset]
        if line == position.line:
            units += len(here.encode(codec, "surrogatepass")) // unit_bytes
            if here in "\r\n" or units > position.character:
                return offset
        offset += 1
        if here == "\n" or (here == "\r" and source[offset : offset + 1] != "\n"):
            line += 1
    return offset


@given(hostile_text, st.lists(changes, max_size=12), st.sampled_from(PositionEncoding))
@settings(max_examples=200, deadline=None)
def test_hostile_edits_leave_client_and_server_with_the_same_text(source, edits, encoding):
    before = document(source)
    after = before.apply(edits, 2, encoding)
    expected = source
    for change in edits:
        expected = client_edit(expected, change, encoding)
    after.text.check_integrity()
    assert str(after.text) == expected
    assert str(before.text) == source


def test_changes_apply_in_order_each_to_what_the_last_one_left():
    first = Change(Position(0, 0), Position(0, 0), "x\n")
    second = Change(Position(1, 0), Position(1, 1), "B")
    assert edited("abc", first, second) == "x\nBbc"


def test_a_change_without_a_range_replaces_everything():
    assert edited("abc\r\n", Change(None, None, "new")) == "new"


def test_a_range_in_the_wrong_order_is_the_same_range():
    assert edited("abcdef", Change(Position(0, 4), Position(0, 1), "-")) == "a-ef"


def test_a_range_past_the_end_appends():
    assert edited("ab", Change(Position(9, 9), Position(10, 0), "c")) == "abc"


def test_half_a_range_is_refused():
    with pytest.raises(PositionError, match="both ends of its range"):
        Change(Position(0, 0), None, "x")


def test_a_surrogate_pair_sent_in_halves_survives():
    """A client may send a character in two edits; neither raises, and what was sent is kept."""
    first = Change(Position(0, 1), Position(0, 1), "\ud83d")
    second = Change(Position(0, 2), Position(0, 2), "\ude00")
    assert edited("ab", first, second) == "a\ud83d\ude00b"


def test_applying_keeps_the_rest_of_the_document_and_the_old_snapshot():
    before = document("a")
    after = before.apply([Change(None, None, "b")], 7, PositionEncoding.UTF8)
    assert after == Document("file:///a.py", "python", 7, Text.from_str("b"))
    assert before == document("a")


def test_no_changes_give_the_same_text_at_the_new_version():
    before = document("a")
    after = before.apply([], 5, PositionEncoding.UTF8)
    assert after.version == 5
    assert after.text is before.text
