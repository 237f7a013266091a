"""Where two versions of a text differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.text.chunk import Chunk
    from pylot_ls.text.rope import Text


@dataclass(frozen=True, slots=True)
class Difference:
    """One range of the old text that another one of the new text took the place of; offsets in characters.

    Attributes:
        start: where it begins, in both.
        old_end, new_end: where it ends in each.
    """

    start: int
    old_end: int
    new_end: int


def difference(old: Text, new: Text) -> Difference | None:
    """The shortest range outside which two texts are the same; None where they are equal.

    Chunks that both share are not looked into, so after an edit this costs next to nothing.
    """
    if old is new:
        return None
    before, after = _chunks(old), _chunks(new)
    n_start = _n_shared(before, after)
    n_end = _n_shared(before[n_start:][::-1], after[n_start:][::-1])
    start = sum(chunk.n_chars for chunk in before[:n_start])
    left = "".join([chunk.text for chunk in before[n_start : len(before) - n_end]])
    right = "".join([chunk.text for chunk in after[n_start : len(after) - n_end]])
    if left == right:
        return None
    n_before = n_equal(left, right)
    n_after = n_equal(left[n_before:][::-1], right[n_before:][::-1])
    return Difference(start + n_before, start + len(left) - n_after, start + len(right) - n_after)


def n_equal(left: str, right: str) -> int:
    """Length of the longest common prefix, by halves: whole slices are compared much faster than characters."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _chunks(text: Text) -> list[Chunk]:
    return [chunk for _, chunk in text.chunks_between(0, len(text))]


def _n_shared(left: Sequence[Chunk], right: Sequence[Chunk]) -> int:
    """How many chunks the two begin with that are the very same."""
    pairs = zip(left, right, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one is not other), min(len(left), len(right)))
