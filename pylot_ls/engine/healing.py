"""Token healing: a prompt that ends within what the model knows as one token. Pure.

What is being typed ends anywhere, "self.li" before "steners" for instance, and its last tokens are then ones that the
model never saw there. They are taken off, and the first tokens decoded have to spell them again: the idea is that of
Guidance (Lundberg 2023, "The Art of Prompt Design"), over several tokens as in Athiwaratkun et al. 2024, "Token
Alignment via Character Matching". It works on bytes, since tokens may end within a character.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.engine.vocabulary import Ids, Vocabulary

# Of a word that is being typed so many tokens at most are chosen anew. More were hardly ever one token in the end.
MOST_TOKENS = 3


class Healing:
    """What decoded tokens have to begin with.

    Args:
        vocabulary: of the model.
        data: the bytes that were taken off the prompt.
        n_tokens: how many tokens they were.
    """

    def __init__(self, vocabulary: Vocabulary, data: bytes, n_tokens: int) -> None:
        self._vocabulary = vocabulary
        self._left = data
        self.n_tokens = n_tokens

    @property
    def is_complete(self) -> bool:
        """Whether all of it was spelt."""
        return not self._left

    def allowed(self) -> Ids:
        """The tokens that agree with what is left; at least one."""
        tokens = self._vocabulary.beginning_with(self._left)
        for end in range(1, len(self._left)):
            tokens += self._vocabulary.spelling(self._left[:end])
        return tokens

    def feed(self, piece: bytes) -> bytes:
        """An allowed token was chosen; what of its bytes is new."""
        new = piece[len(self._left) :]
        self._left = self._left[len(piece) :]
        return new


def healing_of(vocabulary: Vocabulary, pieces: Sequence[bytes]) -> Healing | None:
    """What to take off the end of a prompt, None for nothing.

    It is as many tokens as could be the beginning of one. Only bytes that are tokens themselves are healed, so that no
    choice leads to a place from where there is none.

    Args:
        vocabulary: of the model.
        pieces: the bytes of the tokens that may go, the last of which are looked at.
    """
    for n_tokens in range(min(MOST_TOKENS, len(pieces)), 0, -1):
        taken = pieces[len(pieces) - n_tokens :]
        data = b"".join(taken)
        # An unknown character has no bytes: they could not be spelt again.
        if all(taken) and vocabulary.goes_on(data) and vocabulary.has_bytes_of(data):
            return Healing(vocabulary, data, n_tokens)
    return None
