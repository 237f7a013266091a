"""Tokenising a fragment of a text as the fragment it is. Pure.

SentencePiece vocabularies put a space in front of each text that they tokenise, as if it were the first word of a
sentence. A prompt is put together from fragments, which begin anywhere: within a line, within a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.rendering import Tokens

# A control character that no vocabulary joins to what follows: it has at most a token of its own, for its byte.
_MARK = "\x02"


def without_added_space(tokenize: Callable[[str], Tokens], piece: Callable[[int], bytes]) -> Callable[[str], Tokens]:
    """A tokeniser of fragments, made from one that may add a space in front of its text.

    The space is added in front of a known mark instead, whose tokens are then taken off (the idea is that of
    CodeLlama's ``encode_infilling``). Where they are not found the text is tokenised as it is.

    Args:
        tokenize: text to tokens.
        piece: the bytes of a token.
    """
    if b"".join(map(piece, tokenize("x"))) == b"x":
        return tokenize
    mark = tokenize(_MARK)

    def tokenize_fragment(text: str) -> Tokens:
        tokens = tokenize(_MARK + text)
        return tokens[len(mark) :] if tokens[: len(mark)] == mark else tokenize(text)

    return tokenize_fragment
