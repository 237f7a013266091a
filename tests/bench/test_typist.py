from __future__ import annotations

import itertools
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.bench.typist import typing_trace
from pylot_ls.bundled import sample_path
from pylot_ls.errors import DocumentError
from pylot_ls.text.document import Change, Document
from pylot_ls.text.position import Position, PositionEncoding, offset_at
from pylot_ls.text.rope import Text

SOURCES = st.lists(st.text("abc ():.é😀\t", max_size=60), min_size=2, max_size=40).map("\n".join)
SAMPLE = sample_path().read_text(encoding="utf-8")


def documents(trace):
    """The document after each keystroke."""
    document = Document("", "", 0, Text.from_str(trace.opened))
    for key in trace.keystrokes:
        change = Change(Position(*key.start), Position(*key.end), key.text)
        document = document.apply([change], document.version + 1, PositionEncoding.UTF32)
        yield document


def trace_or_none(source, n_keystrokes, seed=0):
    try:
        return typing_trace(source, n_keystrokes, seed)
    except DocumentError:
        return None


@given(SOURCES, st.integers(0, 5))
def test_typing_everything_back_gives_the_file(source, seed):
    trace = trace_or_none(source, 10_000, seed)
    if trace is not None:
        assert str(list(documents(trace))[-1].text) == source


@given(SOURCES, st.integers(1, 60))
def test_a_cursor_stands_behind_what_was_typed(source, n_keystrokes):
    trace = trace_or_none(source, n_keystrokes)
    if trace is not None:
        for key, document in zip(trace.keystrokes, documents(trace), strict=True):
            cursor = offset_at(document.text, Position(*key.cursor), PositionEncoding.UTF32)
            assert document.text.slice(cursor - len(key.text), cursor) == key.text


@given(SOURCES, st.integers(1, 60), st.integers(0, 5))
def test_a_keystroke_is_a_character_a_line_with_its_indentation_or_a_backspace(source, n_keystrokes, seed):
    trace = trace_or_none(source, n_keystrokes, seed)
    if trace is not None:
        assert 1 <= len(trace.keystrokes) <= n_keystrokes
        assert trace.n_characters == sum(len(key.text) for key in trace.keystrokes)
        for key in trace.keystrokes:
            removed = (key.end[1] - key.start[1]) if key.end != key.start else 0
            inserted = 1 if key.text.startswith("\n") else len(key.text)
            assert (inserted, removed) in {(1, 0), (0, 1)}
            assert not key.text.startswith("\n") or not key.text.strip()


@given(SOURCES, st.integers(0, 5))
def test_a_long_trace_begins_like_a_short_one_only_by_its_seed(source, seed):
    assert trace_or_none(source, 50, seed) == trace_or_none(source, 50, seed)


def test_as_many_keystrokes_as_asked_for_where_the_file_has_them():
    assert [len(typing_trace(SAMPLE, n).keystrokes) for n in (1, 60, 1000)] == [1, 60, 1000]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_shares_of_the_kinds_of_keystrokes(seed):
    keystrokes = typing_trace(SAMPLE * 10, 1500, seed).keystrokes

    def share(is_such):
        return sum(1 for key in keystrokes if is_such(key)) / len(keystrokes)

    assert share(lambda key: not key.text) == pytest.approx(0.08, abs=0.02)
    assert share(lambda key: key.text.startswith("\n")) == pytest.approx(0.05, abs=0.01)
    assert share(lambda key: key.jumped) == pytest.approx(0.015, abs=0.005)


def test_existing_lines_are_edited_in_their_middle():
    trace = typing_trace(SAMPLE, 1000)
    in_the_middle = sum(
        1
        for key, document in zip(trace.keystrokes, documents(trace), strict=True)
        if document.text.line(key.cursor[0])[key.cursor[1] :].strip()
    )
    assert 0.05 < in_the_middle / len(trace.keystrokes) < 0.3


def test_what_is_typed_after_a_jump_is_elsewhere_and_the_person_thinks_first():
    # Of which most of the file is there, when it is opened.
    keystrokes = typing_trace(SAMPLE, 400).keystrokes
    jumps = [(before, key) for before, key in itertools.pairwise(keystrokes) if key.jumped]
    assert statistics.median(abs(before.cursor[0] - key.cursor[0]) for before, key in jumps) > 10
    assert statistics.median(key.pause_ms for _, key in jumps) > 1000
    assert 80 < statistics.median(key.pause_ms for key in keystrokes) < 250
    assert all(key.pause_ms > 0 for key in keystrokes)


def test_the_same_seed_types_the_same():
    assert typing_trace(SAMPLE, 300, 1) == typing_trace(SAMPLE, 300, 1)
    assert typing_trace(SAMPLE, 300, 1) != typing_trace(SAMPLE, 300, 2)


@pytest.mark.parametrize("source", ["", "one line", "\n\n\n", "   \n \n"])
def test_a_file_with_nothing_to_type_is_refused(source):
    with pytest.raises(DocumentError, match="no line of text"):
        typing_trace(source, 10)
