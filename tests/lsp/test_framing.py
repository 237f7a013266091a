"""Decoding of frames: any split, any garbage, any wrong header."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pylot_ls.lsp.framing import Frame, FrameDecoder, FramingFault, encode_frame

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.lists(JSON, max_size=4)


def frame(value) -> bytes:
    return encode_frame(json.dumps(value).encode())


def headed(length: object, body: bytes) -> bytes:
    return b"Content-Length: " + str(length).encode() + b"\r\n\r\n" + body


def values(events):
    return [each.value for each in events if isinstance(each, Frame)]


def faults(events):
    return [each for each in events if isinstance(each, FramingFault)]


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {len(stream)})
    return [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]


A = {"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"text": "Content-Length: 3\n\nzwölf 😀"}}
B = {"jsonrpc": "2.0", "id": 2, "method": "b"}
BODY_A = json.dumps(A, ensure_ascii=False).encode()


@given(MESSAGES, st.lists(st.integers(min_value=0), max_size=12))
def test_any_split_of_a_stream_gives_the_same_frames(messages, cuts):
    decoder = FrameDecoder()
    events = []
    for piece in split(b"".join(frame(each) for each in messages), cuts):
        events += decoder.feed(piece)
    assert events == [Frame(each) for each in messages]


def test_a_stream_in_single_bytes_gives_the_same_frames():
    decoder = FrameDecoder()
    stream = encode_frame(BODY_A) + frame(B)
    assert [each for byte in stream for each in decoder.feed(bytes([byte]))] == [Frame(A), Frame(B)]


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: %d\r\n\r\n",
        b"CONTENT-LENGTH:%d\r\n\r\n",
        b"Content-Length :  %d  \r\n\r\n",
        b"  Content-Length: %d\r\n\r\n",
        b"Content-Length: %d\n\n",
        b"\r\n\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: %d\r\nContent-Length: %d\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b'Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset="UTF8"\r\n\r\n',
        b"Content-Length: %d\r\nContent-Type: application/json\r\n\r\n",
        b"Content-Length: %d\r\nX-Other: thing\r\n\r\n",
    ],
)
def test_headers_are_read_in_any_case_and_spacing(header):
    stream = header.replace(b"%d", str(len(BODY_A)).encode()) + BODY_A + frame(B)
    assert FrameDecoder().feed(stream) == [Frame(A), Frame(B)]


@given(st.binary(), st.lists(st.integers(min_value=0), max_size=6))
@example(b"Content-Length: 5\r\nno header\r\n\r\n", [])
@example(b"x: ", [])
@example(b"Content-Length: 7\r\n\r\nab", [])
@example(b"Content-Length: 99999999999999999999999\r\n\r\n", [])
def test_frames_around_garbage_are_read_and_nothing_raises(garbage, cuts):
    decoder = FrameDecoder()
    events = []
    for piece in split(frame(A) + garbage + b"\xff" + frame(B), cuts):
        events += decoder.feed(piece)
    assert values(events)[0] == A
    assert values(events)[-1] == B
    assert faults(events)


@given(st.lists(st.binary() | st.sampled_from([b"Content-Length: ", b"\r\n", b"\n\n", b"{}", b"2", b"5", b"-"])))
def test_no_stream_raises_and_the_buffer_stays_bounded(pieces):
    decoder = FrameDecoder(max_body_bytes=64, max_header_bytes=128)
    for piece in pieces:
        decoder.feed(piece)
        decoder.stalled()
        assert len(decoder._buffer) <= 128 + 64 + len(piece)


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (-5, "a number of bytes"),
        ("abc", "a number of bytes"),
        ("", "a number of bytes"),
        ("1e3", "a number of bytes"),
        (10**11, "over the limit of 67108864 bytes"),
        ("9" * 5000, "over the limit"),
        (64 * 1024 * 1024 + 1, "over the limit"),
    ],
)
def test_an_impossible_content_length_is_one_clear_fault_and_the_next_message_is_read(length, says):
    events = FrameDecoder().feed(headed(length, BODY_A) + frame(B))
    assert values(events) == [B]
    assert [says in each.text for each in faults(events)] == [True]


def test_two_different_content_lengths_are_a_fault_and_the_last_one_counts():
    events = FrameDecoder().feed(b"Content-Length: 2\r\n" + encode_frame(BODY_A) + frame(B))
    assert values(events) == [A, B]
    assert "two different" in faults(events)[0].text


@pytest.mark.parametrize(
    "begun",
    [
        b"Content-Length:",
        b"Content-Length: 1",
        b"Content-Length: 8F\r\n",
        b"X: y\r\nCont",
        b"Content-Length: 9\r\nX: y",
    ],
)
def test_the_message_after_a_header_that_breaks_off_is_read(begun):
    events = FrameDecoder().feed(begun + frame(A) + frame(B))
    assert values(events) == [A, B]
    assert len(faults(events)) == 1


def test_another_charset_is_a_fault():
    header = b"Content-Length: 2\r\nContent-Type: x; charset=latin-1\r\n\r\n"
    events = FrameDecoder().feed(header + b"{}" + frame(B))
    assert values(events) == [B]
    assert "utf-8" in faults(events)[0].text


def test_another_charset_in_what_is_left_of_a_header_does_not_take_the_next_message_with_it():
    events = FrameDecoder().feed(b"Content-Type: x; charset=latin-1\r\n" + frame(B))
    assert values(events) == [B]
    assert len(faults(events)) == 1


def test_a_header_without_end_is_a_fault_at_its_limit():
    decoder = FrameDecoder()
    assert decoder.feed(b"X: " + b"y" * 8000) == []
    assert ["longer than 8192" in each.text for each in faults(decoder.feed(b"y" * 300))] == [True]
    assert values(decoder.feed(b"\r\n" + frame(B))) == [B]


@pytest.mark.parametrize("n_missing", range(1, 12))
def test_after_a_short_content_length_the_next_message_is_read(n_missing):
    events = FrameDecoder().feed(headed(len(BODY_A) - n_missing, BODY_A) + frame(B))
    assert values(events) == [B]
    assert [each.recovered for each in faults(events)] == [False]


def test_a_content_length_in_characters_loses_one_message_and_not_the_next():
    events = FrameDecoder().feed(headed(len(BODY_A.decode()), BODY_A) + frame(B))
    assert values(events) == [B]
    assert len(faults(events)) == 1


@pytest.mark.parametrize("n_over", [1, 2, 5, 14, 17, 20, 21, 30])
def test_a_long_content_length_that_swallows_the_next_header_loses_nothing(n_over):
    events = FrameDecoder().feed(headed(len(BODY_A) + n_over, BODY_A) + frame(B))
    assert values(events) == [A, B]
    assert [each.recovered for each in faults(events)] == [True]


def test_a_long_content_length_with_nothing_after_it_is_read_when_the_client_waits():
    decoder = FrameDecoder()
    assert decoder.feed(headed(len(BODY_A) + 500, BODY_A)) == []
    assert decoder.inside_body
    assert values(decoder.stalled()) == [A]
    assert not decoder.inside_body
    assert decoder.feed(frame(B)) == [Frame(B)]


def test_a_long_content_length_that_swallows_whole_messages_is_read_when_the_client_waits():
    decoder = FrameDecoder()
    decoder.feed(headed(len(BODY_A) + 500, BODY_A) + frame(B) + frame(B))
    assert values(decoder.stalled()) == [A, B, B]


def test_two_long_content_lengths_are_read_at_one_wait():
    decoder = FrameDecoder()
    decoder.feed(headed(len(BODY_A) + 4000, BODY_A) + headed(len(BODY_A) + 4000, BODY_A) + frame(B))
    assert values(decoder.stalled()) == [A, A, B]


def test_a_broken_message_that_swallows_the_next_is_given_up_when_the_client_waits():
    decoder = FrameDecoder()
    decoder.feed(headed(500, BODY_A[:-4]) + frame(B))
    events = decoder.stalled()
    assert values(events) == [B]
    assert [each.recovered for each in faults(events)] == [False]


def test_a_slow_client_is_waited_for():
    decoder = FrameDecoder()
    stream = encode_frame(BODY_A)
    decoder.feed(stream[:-10])
    assert decoder.stalled() == []
    assert decoder.feed(stream[-10:]) == [Frame(A)]


def test_outside_of_a_body_a_pause_means_nothing():
    decoder = FrameDecoder()
    decoder.feed(b"Content-Le")
    assert decoder.stalled() == []
    assert decoder.feed(frame(A)[len("Content-Le") :]) == [Frame(A)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "a number that cannot be read"),
    ],
)
def test_a_body_that_is_no_json_is_a_fault_that_quotes_nothing(body, says):
    (fault,) = FrameDecoder().feed(encode_frame(body))
    assert isinstance(fault, FramingFault)
    assert says in fault.text
    assert not fault.recovered


def test_a_message_without_a_header_is_a_fault_at_once():
    (fault,) = FrameDecoder().feed(BODY_A)
    assert "Content-Length: 123" in fault.text


def test_lone_surrogates_in_escapes_are_kept():
    assert FrameDecoder().feed(encode_frame(rb'"\ud800"')) == [Frame("\ud800")]


def test_a_frame_counts_bytes():
    assert encode_frame("ä".encode()) == b"Content-Length: 2\r\n\r\n\xc3\xa4"
