from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.bench.typist import typing_trace
from pylot_ls.errors import DocumentError
from pylot_ls.text.document import Change, Document
from pylot_ls.text.position import Position, PositionEncoding, offset_at
from pylot_ls.text.rope import Text

SOURCES = st.lists(st.text("ab ():.é😀\t", max_size=12), min_size=2, max_size=40).map("\n".join)


def play(trace):
    """The text after the keystrokes, with the cursor of each checked to be where its text ends."""
    document = Document("", "", 0, Text.from_str(trace.opened))
    for key in trace.keystrokes:
        change = Change(Position(*key.start), Position(*key.end), key.text)
        document = document.apply([change], document.version + 1, PositionEncoding.UTF32)
        cursor = offset_at(document.text, Position(*key.cursor), PositionEncoding.UTF32)
        assert document.text.slice(cursor - len(key.text), cursor) == key.text
    return str(document.text)


@given(SOURCES, st.integers(0, 5))
def test_typing_everything_back_gives_the_file(source, seed):
    try:
        trace = typing_trace(source, 10_000, seed)
    except DocumentError:
        return
    assert play(trace) == source


@given(SOURCES, st.integers(1, 30))
def test_no_more_is_typed_than_asked_for(source, n_keystrokes):
    try:
        trace = typing_trace(source, n_keystrokes)
    except DocumentError:
        return
    assert len(trace.keystrokes) <= n_keystrokes
    play(trace)


def test_a_trace_has_slips_that_are_taken_back_and_jumps():
    source = "\n".join(f"line_{number} = value_{number}" for number in range(200))
    keystrokes = typing_trace(source, 2000).keystrokes
    backspaces = sum(1 for key in keystrokes if not key.text)
    assert 0.02 < backspaces / len(keystrokes) < 0.06
    assert sum(1 for key in keystrokes if key.jumped) > 3


def test_the_same_seed_types_the_same():
    source = "\n".join(f"line_{number} = value_{number}" for number in range(50))
    assert typing_trace(source, 300, 1) == typing_trace(source, 300, 1)
    assert typing_trace(source, 300, 1) != typing_trace(source, 300, 2)


@pytest.mark.parametrize("source", ["", "one line", "\n\n\n", "   \n \n"])
def test_a_file_with_nothing_to_type_is_refused(source):
    with pytest.raises(DocumentError, match="no line of text"):
        typing_trace(source, 10)
