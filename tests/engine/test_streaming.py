"""Whatever the tokens' borders, the text is the same, and whole."""

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from pylot_ls.engine.streaming import TextStream

# Few letters, so that stop texts appear, overlap and begin one another; characters of one to four bytes.
letters = st.sampled_from("aab\n\né漢😀")
texts = st.text(letters, max_size=30) | st.text(max_size=30)
stops = st.lists(st.text(letters, max_size=4), max_size=3).map(tuple)
splits = st.lists(st.integers(0, 120), max_size=12)


def pieces(data, cuts):
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(borders)]


def stream_in_pieces(data, cuts, stop=()):
    stream = TextStream(stop)
    return [*(stream.feed(piece) for piece in pieces(data, cuts)), stream.finish()], stream


def before_first_stop(text, stop):
    """The plainest oracle: look after each character whether a stop text has just been completed."""
    for end in range(1, len(text) + 1):
        completed = [s for s in stop if s and text[:end].endswith(s)]
        if completed:
            return text[: end - max(map(len, completed))], True
    return text, False


@given(texts, splits)
def test_any_split_of_the_bytes_gives_the_text(text, cuts):
    parts, stream = stream_in_pieces(text.encode(), cuts)
    assert "".join(parts) == text
    assert not stream.stopped


@given(st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["Cs"])), splits)
def test_no_half_character_is_ever_shown(text, cuts):
    parts, _ = stream_in_pieces(text.encode(), cuts)
    assert not any("\ufffd" in part for part in parts)


@given(st.binary(max_size=30), splits)
@example(b"\xed\xa0", [1])
def test_any_split_of_bytes_that_are_no_utf8_gives_the_same_text(data, cuts):
    parts, _ = stream_in_pieces(data, cuts)
    whole, _ = stream_in_pieces(data, [])
    assert "".join(parts) == "".join(whole)
    # All of it, but for a character that is incomplete at the end; half a surrogate counts as two there.
    dropped = data.decode(errors="replace").removeprefix("".join(whole))
    assert dropped in {"", "\ufffd", "\ufffd\ufffd"}


@given(texts, stops, splits)
def test_the_text_ends_before_the_stop_text_that_is_complete_first(text, stop, cuts):
    parts, stream = stream_in_pieces(text.encode(), cuts, stop)
    assert ("".join(parts), stream.stopped) == before_first_stop(text, stop)


@given(texts, stops)
def test_nothing_comes_after_a_stop_text(text, stop):
    stream = TextStream((*stop, "."))
    stream.feed((text + ".").encode())
    assert stream.stopped
    assert stream.feed(b"more") == ""
    assert stream.finish() == ""


def test_the_beginning_of_a_stop_text_is_held_until_it_is_decided():
    stream = TextStream(("\n\n",))
    assert stream.feed(b"a\n") == "a"
    assert stream.feed(b"b") == "\nb"
    assert stream.feed(b"\n") == ""
    assert stream.finish() == "\n"
    assert stream.finish() == ""


def test_a_stop_text_may_span_many_tokens():
    stream = TextStream(("<end>",))
    assert [stream.feed(bytes([byte])) for byte in b"x<<end>y"] == ["x", "", "<", "", "", "", "", ""]
    assert stream.stopped


def test_an_incomplete_character_at_the_end_is_dropped():
    stream = TextStream()
    assert stream.feed("aé".encode()[:2]) == "a"
    assert stream.finish() == ""
