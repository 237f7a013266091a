"""Tokens are found by what their bytes begin with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.vocabulary import Vocabulary

# Few bytes, the first and the last there are among them, so that tokens begin one another; some tokens are no text.
DATA = st.lists(st.sampled_from([b"a", b"b", b"\x00", b"\xff", b"\xc3"]), max_size=4).map(b"".join)
PIECES = st.lists(DATA, max_size=20)


def ids(pieces, is_wanted):
    return [token for token, piece in enumerate(pieces) if piece and is_wanted(piece)]


@given(PIECES, DATA)
def test_the_tokens_that_begin_with_some_bytes_are_found(pieces, data):
    vocabulary = Vocabulary(pieces)
    beginning = ids(pieces, lambda piece: piece.startswith(data))
    assert sorted(vocabulary.beginning_with(data)) == beginning
    assert vocabulary.goes_on(data) == any(pieces[token] != data for token in beginning)


@given(PIECES, DATA)
def test_the_tokens_of_exactly_some_bytes_are_found(pieces, data):
    vocabulary = Vocabulary(pieces)
    assert sorted(vocabulary.spelling(data)) == ids(pieces, lambda piece: piece == data)
    assert vocabulary.has_bytes_of(data) == all(bytes([byte]) in pieces for byte in data)
