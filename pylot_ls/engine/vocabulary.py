"""The tokens of a vocabulary by their bytes. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Ids = array[int]


class Vocabulary:
    """Finds tokens by what their bytes begin with: a sorted list and bisection.

    Args:
        pieces: the bytes of each token, in the order of the ids; empty for those that are never text.

    Attributes:
        without_text: the tokens that are never text.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        order = sorted((token for token, piece in enumerate(pieces) if piece), key=pieces.__getitem__)
        self._ids: Ids = array("i", order)
        self.without_text: Ids = array("i", (token for token, piece in enumerate(pieces) if not piece))
        self._sorted = [pieces[token] for token in order]

    def beginning_with(self, data: bytes) -> Ids:
        """The tokens whose bytes begin with these."""
        return self._ids[bisect_left(self._sorted, data) : self._end_of(data)]

    def spelling(self, data: bytes) -> Ids:
        """The tokens of exactly these bytes; several may be."""
        return self._ids[bisect_left(self._sorted, data) : bisect_right(self._sorted, data)]

    def goes_on(self, data: bytes) -> bool:
        """Whether a token begins with these bytes and has more."""
        return bisect_right(self._sorted, data) < self._end_of(data)

    def has_bytes_of(self, data: bytes) -> bool:
        """Whether each of these bytes is a token by itself."""
        return all(self.spelling(bytes([byte])) for byte in set(data))

    def _end_of(self, data: bytes) -> int:
        return bisect_right(self._sorted, data, key=lambda piece: piece[: len(data)])
