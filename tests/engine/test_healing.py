"""Whatever is chosen among the allowed tokens spells what was taken off, and then goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.healing import MOST_TOKENS, Healing, healing_of
from pylot_ls.engine.vocabulary import Vocabulary

WORDS = st.lists(st.text("abé", min_size=1, max_size=5).map(str.encode), max_size=12)
BYTES = [bytes([byte]) for byte in "abé".encode()]


def agrees(piece, left):
    return left.startswith(piece) or piece.startswith(left)


@given(WORDS, st.text("abé", min_size=1, max_size=8).map(str.encode), st.data())
def test_any_choice_spells_what_was_taken_off(words, data, draw):
    pieces = [*BYTES, *words, b""]
    healing = Healing(Vocabulary(pieces), data, 1)
    spelt = new = b""
    while not healing.is_complete:
        allowed = sorted(healing.allowed())
        assert allowed == [n for n, piece in enumerate(pieces) if piece and agrees(piece, data[len(spelt) :])]
        piece = pieces[draw.draw(st.sampled_from(allowed))]
        assert not new
        new = healing.feed(piece)
        spelt += piece
    assert spelt == data + new


@given(WORDS, st.lists(st.sampled_from([*BYTES, b"ab", b""]), max_size=6))
def test_what_could_be_the_beginning_of_one_token_is_taken_off_as_far_as_that_goes(words, ends_in):
    healing = healing_of(Vocabulary([*BYTES, *words]), ends_in)
    longest = 0
    for n_tokens in range(1, min(len(ends_in), MOST_TOKENS) + 1):
        taken = ends_in[len(ends_in) - n_tokens :]
        data = b"".join(taken)
        if all(taken) and any(word.startswith(data) and word != data for word in words):
            longest = n_tokens
    assert (healing.n_tokens if healing else 0) == longest


@pytest.mark.parametrize("ends_in", [[], [b"zz"], [b"a", b"b", b"x"]], ids=["nothing", "unheard of", "a whole word"])
def test_nothing_is_taken_off_where_no_token_goes_on(ends_in):
    assert healing_of(Vocabulary([b"a", b"b", b"x", b"z", b"abx"]), ends_in) is None


def test_nothing_is_taken_off_that_might_not_be_spelt_again():
    # After "l" there would be no token for "i" alone.
    assert healing_of(Vocabulary([b"l", b"li", b"list"]), [b"li"]) is None
