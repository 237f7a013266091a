"""Fragments of a text keep their bytes with vocabularies that begin each text with a space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.engine.fragments import without_added_space

# Words of a SentencePiece vocabulary, the longest first; everything else is a token per byte.
WORDS = [b" return", b"return", b" x", b"  ", b" ", b"x", b"\n"]
BYTE = len(WORDS)


def piece(token):
    return WORDS[token] if token < BYTE else bytes([token - BYTE])


def tokenize(text):
    data, tokens = text.encode(), []
    while data:
        token = next((n for n, word in enumerate(WORDS) if data.startswith(word)), BYTE + data[0])
        tokens.append(token)
        data = data[len(piece(token)) :]
    return tuple(tokens)


def sentencepiece(text):
    return tokenize(" " + text) if text else ()


def bytes_of(tokens):
    return b"".join(map(piece, tokens))


FRAGMENTS = st.text("x \n\tré\x02") | st.sampled_from(["", "return x", "    return x\n", "\n\n  x"])


@given(FRAGMENTS, FRAGMENTS)
def test_fragments_put_together_are_the_text(first, second):
    tokenize_fragment = without_added_space(sentencepiece, piece)
    assert bytes_of(tokenize_fragment(first) + tokenize_fragment(second)) == (first + second).encode()


@given(FRAGMENTS)
def test_a_fragment_has_the_tokens_that_the_vocabulary_has_for_it(text):
    assert without_added_space(sentencepiece, piece)(text) == tokenize(text)


def test_a_vocabulary_that_adds_nothing_is_left_alone():
    assert without_added_space(tokenize, piece) is tokenize


@pytest.mark.parametrize("text", ["x", "return x"])
def test_where_the_mark_is_joined_to_the_text_it_is_tokenised_as_it_is(text):
    def joining(text):
        return (999, *tokenize(text[1:])) if len(text) > 1 and text[0] == "\x02" else sentencepiece(text)

    assert without_added_space(joining, piece)(text) == sentencepiece(text)
