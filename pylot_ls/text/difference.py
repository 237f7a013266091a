"""What differs between two snapshots of a document, as the one edit that leads from the first to the second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, AnyStr

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text


@dataclass(frozen=True, slots=True)
class Edit:
    """Something replaced by something else.

    Attributes:
        start, end: what was replaced, in the text before.
        new_end: where what replaced it ends, in the text after; it begins at ``start``.
    """

    start: int
    end: int
    new_end: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two texts agree.

    Attributes:
        n_before, n_after: their lengths, in characters.
        n_prefix, n_suffix: what they have in common at both ends, each as long as it can be: together the two may be
            longer than the shorter text. Where more than a chunk's characters repeat they may be shorter.
    """

    n_before: int
    n_after: int
    n_prefix: int
    n_suffix: int

    def edit_near(self, offset: int) -> Edit:
        """The smallest edit that makes the difference.

        An insertion among its like could have been made at several places, and so could a deletion: it is the one
        that begins, or for a deletion ends, nearest to an offset of the text before.
        """
        shorter = min(self.n_before, self.n_after)
        n_more = self.n_prefix + self.n_suffix - shorter
        start, n_suffix = self.n_prefix, self.n_suffix
        if n_more >= 0:
            wanted = offset - max(self.n_before - self.n_after, 0)
            start = min(max(wanted, self.n_prefix - n_more), self.n_prefix)
            n_suffix = shorter - start
        return Edit(start, self.n_before - n_suffix, self.n_after - n_suffix)

    @property
    def widest(self) -> Edit:
        """The edit that covers each place where the difference could have been made."""
        n_more = max(0, self.n_prefix + self.n_suffix - min(self.n_before, self.n_after))
        n_suffix = self.n_suffix - n_more
        return Edit(self.n_prefix - n_more, self.n_before - n_suffix, self.n_after - n_suffix)


def difference(before: Text, after: Text) -> Difference | None:
    """Compare two texts; None where they are equal. Chunks that both share are not read."""
    if before is after:
        return None
    old = [chunk for _, chunk in before.chunks_between(0, len(before))]
    new = [chunk for _, chunk in after.chunks_between(0, len(after))]
    n_pairs = min(len(old), len(new))
    head = next((i for i in range(n_pairs) if old[i] is not new[i]), n_pairs)
    tail = next((i for i in range(n_pairs - head) if old[-1 - i] is not new[-1 - i]), n_pairs - head)
    # One chunk of what is shared on either side is read: text like the edited one may go on in it.
    head, tail = max(head - 1, 0), max(tail - 1, 0)
    n_head = sum(chunk.n_chars for chunk in old[:head])
    n_tail = sum(chunk.n_chars for chunk in old[len(old) - tail :])
    a, b = before.slice(n_head, len(before) - n_tail), after.slice(n_head, len(after) - n_tail)
    n_prefix = n_equal(a, b)
    if n_prefix == len(a) == len(b):
        return None
    return Difference(len(before), len(after), n_head + n_prefix, n_tail + n_equal(a[::-1], b[::-1]))


def n_equal(a: AnyStr, b: AnyStr) -> int:
    """Length of the longest common prefix, by halves: whole slices are compared much faster than characters."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
