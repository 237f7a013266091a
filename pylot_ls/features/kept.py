"""How much of accepted text is still there some time later. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.text.difference import Difference
    from pylot_ls.text.rope import Text

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
# A place that grew by more than this holds much that was not accepted; comparing takes time that the loop needs.
_MOST_GROWN = 2000


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of accepted text, and where in the document it stands or what came to stand in its stead.

    Attributes:
        text: as it was accepted.
        start, end: its place now, in characters.
    """

    text: str
    start: int
    end: int

    def moved(self, changed: Difference) -> Span:
        """The span after an edit. Text put at either end stays outside, unless nothing is left: it may be undone."""
        edit = changed.edit_near(self.end)
        shift = edit.new_end - edit.end
        if self.start == self.end == edit.start:
            return replace(self, end=max(self.end, edit.new_end))
        if edit.start >= self.end:
            return self
        if edit.end <= self.start:
            return replace(self, start=self.start + shift, end=self.end + shift)
        start = min(self.start, edit.start) if edit.start < self.start < edit.end else self.start
        return replace(self, start=start, end=max(self.end, edit.end) + shift)

    def n_kept(self, text: Text) -> int:
        """How many of the accepted characters are still in their place."""
        end = min(self.end, self.start + len(self.text) + _MOST_GROWN)
        return n_common(self.text, text.slice(self.start, end))


def n_common(accepted: str, now: str) -> int:
    """How many characters of a text are in another one, in their order, counted by whole words.

    Blanks count beside a word that stayed.
    """
    if accepted in now:
        return len(accepted)
    a, b = _TOKEN.findall(accepted), _TOKEN.findall(now)
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    runs = ["".join(a[block.a : block.a + block.size]) for block in blocks]
    return sum(len(run) for run in runs if run.strip())
