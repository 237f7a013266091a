"""Anchors: a prefix and a suffix that stand still while the user types between them. Pure.

A plain prompt ``[PRE] prefix [SUF] suffix [MID]`` grows in its middle as the user types, so the whole suffix is
evaluated again at every keystroke. An anchor freezes both, and what has been typed since stands after the middle
token: it is the beginning of the middle, which is what the model was trained to continue. A keystroke then only
appends.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.types import FimOrder, Keep, Marker, MarkerSegment, Prompt, TextSegment
from pylot_ls.prompts.head import file_head
from pylot_ls.prompts.layout import CHARACTERS_PER_TOKEN, Layout
from pylot_ls.prompts.window import text_after, text_before, window_start, with_line_feeds

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text

# As much of the text around the hole must be the same for a frozen prompt to be true: about 40 lines.
_CLOSE_CHARACTERS = 1600
# What editors close by themselves while the user types in front of it.
_CLOSERS = ")]}>\"'`"
_MOST_CLOSERS = 4
_SAME_LINES = 3
_MOST_DRIFT = 0.1


class Suffix(enum.Enum):
    """How the text after the cursor compares with the frozen one."""

    SAME = enum.auto()
    DRIFTED = enum.auto()  # a little; good enough for now
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class Anchor:
    """What is frozen.

    Attributes:
        layout: the limits it was made for.
        offset: where the prefix ended, in the text as it was.
        prefix, suffix: as they stand in the prompt, with line feeds.
        close_before, close_after: the text next to the hole as the document has it, for comparing.
    """

    layout: Layout
    offset: int
    prefix: str
    suffix: str
    close_before: str
    close_after: str

    @classmethod
    def at(cls, text: Text, anchor: int, cursor: int, layout: Layout) -> Anchor:
        """Freeze the text before ``anchor`` and the text after ``cursor``."""
        n_characters = layout.n_prefix * CHARACTERS_PER_TOKEN
        head = ""
        if window_start(text, anchor, n_characters) > 0:
            head = file_head(text, layout.head_characters)
            n_characters -= len(head)
        before = text_before(text, anchor, n_characters)
        return cls(
            layout=layout,
            offset=anchor,
            prefix=head + before,
            suffix=text_after(text, cursor, layout.n_suffix * CHARACTERS_PER_TOKEN),
            close_before=text.slice(max(0, anchor - _CLOSE_CHARACTERS), anchor),
            close_after=text.slice(cursor, min(len(text), cursor + _CLOSE_CHARACTERS)),
        )

    def find(self, text: Text, cursor: int) -> int | None:
        """Where the frozen prefix ends in the text as it is now, at or before the cursor; None if it is gone.

        Edits further up may have moved it. No more is looked at than can be the hole.
        """
        start = self.offset - len(self.close_before)
        at_start_of_file = start == 0
        if self.offset <= cursor and text.slice(start, self.offset) == self.close_before:
            return self.offset
        if at_start_of_file or not self.close_before:
            return None
        reach = self.layout.typed_characters + len(self.close_before)
        begin = max(0, cursor - reach)
        found = text.slice(begin, cursor).rfind(self.close_before)
        return None if found < 0 else begin + found + len(self.close_before)

    def compare_suffix(self, text: Text, cursor: int) -> Suffix:
        """Compare the text after the cursor with the frozen one; what an editor closed by itself does not count."""
        n_characters = len(self.close_after)
        after = text.slice(cursor, min(len(text), cursor + n_characters + _MOST_CLOSERS))
        for n_closers in range(_MOST_CLOSERS + 1):
            if after[n_closers : n_closers + n_characters] == self.close_after:
                at_end = n_characters < _CLOSE_CHARACTERS and len(after) != n_closers + n_characters
                return Suffix.DRIFTED if at_end else Suffix.SAME
            if after[n_closers : n_closers + 1] not in _CLOSERS or n_closers >= len(after):
                break
        return Suffix.DRIFTED if _is_close(self.close_after, after[:n_characters]) else Suffix.OTHER

    def prompt(self, typed: str) -> Prompt:
        """The prompt with what was typed in the hole."""
        layout = self.layout
        prefix = TextSegment(self.prefix, layout.n_prefix, Keep.END, layout.prefix_step)
        suffix = TextSegment(self.suffix, layout.n_suffix, Keep.START)
        middle = TextSegment(with_line_feeds(typed), layout.n_typed, Keep.END, max(1, layout.n_typed // 4))
        before = (MarkerSegment(Marker.FIM_PREFIX), prefix)
        after = (MarkerSegment(Marker.FIM_SUFFIX), suffix)
        halves = (*before, *after) if layout.order is FimOrder.PSM else (*after, *before)
        return (MarkerSegment(Marker.BOS), *halves, MarkerSegment(Marker.FIM_MIDDLE), middle)


def _is_close(frozen: str, now: str) -> bool:
    """The first three lines that are not blank are equal, and at most a tenth of the rest is not."""
    old = [line.strip() for line in frozen.splitlines() if line.strip()]
    new = [line.strip() for line in now.splitlines() if line.strip()]
    if old[:_SAME_LINES] != new[:_SAME_LINES] or bool(old) != bool(new):
        return False
    missing = len(set(old) - set(new))
    return missing <= _MOST_DRIFT * len(set(old)) + 1
