"""A window of a document as it is parsed, and its places in the document. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text


class View:
    r"""A window of a text with ``\n`` for each line terminator, and its places in that text. Pure."""

    def __init__(self, text: Text, start: int, end: int) -> None:
        raw = text.slice(start, end)
        self.text = with_line_feeds(raw)
        self.reaches_end = end >= len(text)
        self._start = start
        # Where in the view a terminator of two characters ends.
        self._pairs: list[int] = []
        if len(raw) != len(self.text):
            place = raw.find("\r\n")
            while place >= 0:
                self._pairs.append(place - len(self._pairs) + 1)
                place = raw.find("\r\n", place + 2)

    def to_text(self, offset: int) -> int:
        """A place in the view as the text has it."""
        return self._start + offset + bisect_right(self._pairs, offset)

    def from_text(self, offset: int) -> int:
        """A place of the text in the view; within a terminator, its beginning."""
        starts = [end + number - 1 for number, end in enumerate(self._pairs)]
        return offset - self._start - bisect_left(starts, offset - self._start)
