"""Anchors: a prefix and a suffix that stand still while the user types between them. Pure.

A plain prompt ``[PRE] prefix [SUF] suffix [MID]`` grows in its middle as the user types, so the whole suffix is
evaluated again at every keystroke. An anchor freezes both, and what has been typed since stands after the middle
token: it is the beginning of the middle, which is what the model was trained to continue. A keystroke then only
appends.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pylot_ls.engine.prompt_types import FimOrder, Keep, Marker, MarkerSegment, Prompt, TextSegment
from pylot_ls.prompts.drift import Drift, lines_before, prefix_drift, suffix_drift
from pylot_ls.prompts.head import head_of
from pylot_ls.prompts.layout import Layout, characters_of_window
from pylot_ls.prompts.window import window_end, window_start, with_line_feeds

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text


@dataclass(frozen=True, slots=True)
class Anchor:
    r"""What is frozen, as the document had it, terminators included. Equal anchors have equal prompts.

    Attributes:
        layout: the limits it was made for.
        head: the file's imports where they are given for themselves, else "".
        has_gap: whether text of the document is left out between head and prefix.
        prefix: the window before the anchor, without the head.
        suffix: the window after the hole.
        begins_text: whether head and prefix, or the prefix alone, begin where the document does.
        offset: where the prefix ended in the document when it was last seen.
    """

    layout: Layout
    head: str
    has_gap: bool
    prefix: str
    suffix: str
    begins_text: bool
    offset: int = field(compare=False)

    @classmethod
    def at(cls, text: Text, offset: int, cursor: int, layout: Layout) -> Anchor:
        """Freeze the text before ``offset`` and the text after ``cursor``."""
        head = _head_apart(text, offset, layout)
        n_prefix = layout.n_prefix - (layout.n_head if head else 0)
        window = window_start(text, offset, characters_of_window(n_prefix))
        begin, end = head or (window, window)
        start = max(window, end)
        return cls(
            layout=layout,
            head=text.slice(begin, end),
            has_gap=start > end,
            prefix=text.slice(start, offset),
            suffix=text.slice(cursor, window_end(text, cursor, characters_of_window(layout.n_suffix))),
            begins_text=begin == 0 and start == end,
            offset=offset,
        )

    def smaller(self, share_of_prefix: float, share_of_suffix: float) -> Anchor:
        """With less of the text around the hole: what is nearest to it. Those of equal anchors are equal."""
        layout = self.layout.smaller(share_of_prefix, share_of_suffix)
        suffix = self.suffix[: characters_of_window(layout.n_suffix)]
        if share_of_prefix == 1:
            return replace(self, layout=layout, suffix=suffix)
        # Of the little that is left nothing is spent on imports.
        prefix = _last_lines(self.prefix, characters_of_window(layout.n_prefix))
        return replace(self, layout=layout, head="", has_gap=False, prefix=prefix, suffix=suffix, begins_text=False)

    def find(self, text: Text, cursor: int) -> int | None:
        """Where the frozen prefix ends in the text as it is now, at or before the cursor; None if it is gone.

        Edits further up may have moved it. Its last 40 lines must be there; no more is looked at than can be the hole.
        """
        near = lines_before(self._before)
        if self.offset <= cursor and self._ends_at(text, self.offset, near):
            return self.offset
        start = max(0, cursor - self.layout.typed_characters - len(near))
        found = text.slice(start, cursor).rfind(near)
        end = start + found + len(near)
        return end if found >= 0 and self._ends_at(text, end, near) else None

    def is_outdated(self, text: Text) -> bool:
        """Whether the text before the anchor has changed so much that a fresh one would be better."""
        span = _head_apart(text, self.offset, self.layout)
        head = text.slice(*span) if span else ""
        return head != self.head or prefix_drift(text, self.offset, self.prefix) is Drift.LARGE

    def suffix_drift(self, text: Text, cursor: int) -> Drift:
        """How the text after the cursor compares with what is frozen of it."""
        return suffix_drift(text, cursor, self.suffix, characters_of_window(self.layout.n_suffix))

    def prompt_for(self, text: Text, cursor: int) -> Prompt:
        """The prompt with the text from the anchor's offset to the cursor as the beginning of the middle."""
        return (*self.around, self.middle(text, cursor))

    @property
    def around(self) -> Prompt:
        """All of the prompt but its middle: what never changes."""
        layout = self.layout
        n_head = layout.n_head if self.head else 0
        n_prefix = layout.n_prefix - n_head
        gap = "\n" if self.has_gap else ""
        head = (TextSegment(with_line_feeds(self.head) + gap, n_head, Keep.START),) if self.head else ()
        prefix = TextSegment(with_line_feeds(self.prefix), n_prefix, Keep.END, layout.cut_step(n_prefix))
        suffix = TextSegment(with_line_feeds(self.suffix), layout.n_suffix, Keep.START)
        before = (MarkerSegment(Marker.FIM_PREFIX), *head, prefix)
        after = (MarkerSegment(Marker.FIM_SUFFIX), suffix)
        halves = (*before, *after) if layout.order is FimOrder.PSM else (*after, *before)
        return (MarkerSegment(Marker.BOS), *halves, MarkerSegment(Marker.FIM_MIDDLE))

    def middle(self, text: Text, cursor: int) -> TextSegment:
        """The prompt's last segment: what was typed since."""
        typed = with_line_feeds(text.slice(self.offset, cursor))
        return TextSegment(typed, self.layout.n_typed, Keep.END, self.layout.cut_step(self.layout.n_typed))

    @property
    def _before(self) -> str:
        """The frozen text that ends at the anchor without a gap."""
        return self.prefix if self.has_gap else self.head + self.prefix

    def _ends_at(self, text: Text, offset: int, near: str) -> bool:
        """Whether the frozen prefix, of which ``near`` is the end, ends at an offset of the text."""
        if self.begins_text and len(near) == len(self._before) != offset:
            return False  # something new stands above it
        if text.slice(offset - 1, offset + 1) == "\r\n":
            return False
        return text.slice(offset - len(near), offset) == near


def _last_lines(text: str, n_characters: int) -> str:
    """The end of a text, at most so long: whole lines, but of one that is longer."""
    start = len(text) - n_characters
    if start <= 0:
        return text
    return text[text.find("\n", start, len(text) - 1) + 1 or start :]


def _head_apart(text: Text, offset: int, layout: Layout) -> tuple[int, int] | None:
    """The file's head, if what stands between it and an offset may fill the prefix and push it out."""
    if offset <= layout.n_prefix:
        return None
    head = head_of(text, layout.head_characters)
    # Less text than this has so few tokens that all of it stays, the head included.
    return head if head and offset - head[1] > 2 * layout.n_prefix else None
