"""Positions in the three encodings against a reference that encodes character by character."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylot_ls.errors import PositionError
from pylot_ls.text import chunk, rope
from pylot_ls.text.position import Position, PositionEncoding, offset_at, position_at
from pylot_ls.text.rope import Text

HOSTILE = "\r\n\r\nab \t\f\v\x1c\x85\u2028é\u0301漢😀𐐷\ud83d\ude00"
hostile_text = st.text(st.sampled_from(HOSTILE), max_size=60) | st.text(max_size=20)
encodings = st.sampled_from(PositionEncoding)
every_encoding = pytest.mark.parametrize("encoding", list(PositionEncoding))
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-be", 2), "utf-32": ("utf-32-be", 4)}


@pytest.fixture(autouse=True, scope="module")
def small_chunks():
    """Chunks so small that one line has several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "TARGET_CHARS", 9)
        for module in (chunk, rope):
            patch.setattr(module, "MAX_CHARS", 12)
            patch.setattr(module, "MIN_CHARS", 3)
        yield


def width(character, encoding):
    codec, unit_bytes = CODECS[encoding]
    return len(character.encode(codec, "surrogatepass")) // unit_bytes


def naive_offset(text, line, character, encoding):
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    if line >= len(lines):
        return len(text)
    offset = sum(map(len, lines[:line]))
    for each in lines[line].rstrip("\r\n"):
        character -= width(each, encoding)
        if character < 0:
            break
        offset += 1
    return offset


def naive_position(text, offset, encoding):
    before = text[:offset]
    if text[offset - 1 : offset + 1] == "\r\n" and offset > 0:
        before = text[: offset - 1]
    lines = re.split(r"\r\n|\r|\n", before)
    return Position(len(lines) - 1, sum(width(each, encoding) for each in lines[-1]))


@given(hostile_text, st.integers(0, 30), st.integers(0, 80), encodings)
@settings(max_examples=400, deadline=None)
def test_offset_of_any_position(source, line, character, encoding):
    text = Text.from_str(source)
    expected = naive_offset(source, line, character, encoding)
    assert offset_at(text, Position(line, character), encoding) == expected


@given(hostile_text, encodings)
@settings(max_examples=150, deadline=None)
def test_position_of_every_offset_and_back(source, encoding):
    text = Text.from_str(source)
    for offset in range(len(source) + 1):
        position = position_at(text, offset, encoding)
        assert position == naive_position(source, offset, encoding)
        inside_crlf = offset > 0 and source[offset - 1 : offset + 1] == "\r\n"
        assert offset_at(text, position, encoding) == offset - inside_crlf


@every_encoding
def test_a_character_past_the_end_means_the_lines_end_before_its_terminator(encoding):
    text = Text.from_str("ab\r\ncd\ref\n")
    ends = [offset_at(text, Position(line, 99), encoding) for line in range(4)]
    assert ends == [2, 6, 9, 10]


@every_encoding
def test_a_line_past_the_end_means_the_end_of_the_text(encoding):
    assert offset_at(Text.from_str("ab\ncd"), Position(7, 0), encoding) == 5
    assert offset_at(Text.from_str(""), Position(2**31 - 1, 2**31 - 1), encoding) == 0


@pytest.mark.parametrize(
    ("encoding", "offsets"),
    [
        (PositionEncoding.UTF8, [0, 1, 1, 1, 1, 2, 2, 3, 3]),
        (PositionEncoding.UTF16, [0, 1, 1, 2, 3, 3]),
        (PositionEncoding.UTF32, [0, 1, 2, 3, 3]),
    ],
)
def test_a_position_inside_a_character_means_its_start(encoding, offsets):
    text = Text.from_str("a😀é")
    assert [offset_at(text, Position(0, k), encoding) for k in range(len(offsets))] == offsets


@every_encoding
def test_an_offset_between_cr_and_lf_is_the_lines_end(encoding):
    assert position_at(Text.from_str("ab\r\nc"), 3, encoding) == Position(0, 2)


@pytest.mark.parametrize(
    ("encoding", "n_units"),
    [(PositionEncoding.UTF8, 7000), (PositionEncoding.UTF16, 4000), (PositionEncoding.UTF32, 3000)],
)
def test_a_long_line_of_several_chunks(encoding, n_units):
    text = Text.from_str("aé😀" * 1000 + "\nend")
    assert position_at(text, 3000, encoding) == Position(0, n_units)
    assert offset_at(text, Position(0, n_units), encoding) == 3000
    assert offset_at(text, Position(0, n_units + 1), encoding) == 3000


@pytest.mark.parametrize(("line", "character"), [(-1, 0), (0, -1), (-3, -3)])
def test_negative_positions_are_refused(line, character):
    with pytest.raises(PositionError, match="count from 0"):
        Position(line, character)


@every_encoding
@pytest.mark.parametrize("offset", [-1, 4])
def test_offsets_outside_the_text_have_no_position(encoding, offset):
    with pytest.raises(PositionError, match="does not lie"):
        position_at(Text.from_str("abc"), offset, encoding)


def test_positions_are_ordered_by_line_then_character():
    assert sorted([Position(1, 0), Position(0, 9), Position(0, 2)]) == [
        Position(0, 2),
        Position(0, 9),
        Position(1, 0),
    ]


def test_the_encodings_have_lsps_names():
    assert [PositionEncoding(name) for name in ("utf-8", "utf-16", "utf-32")] == list(PositionEncoding)
