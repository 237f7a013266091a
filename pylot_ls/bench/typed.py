"""The text of a file in which a trace is typed, for whoever has no editor that holds it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.text.document import Change, Document
from pylot_ls.text.position import Position, PositionEncoding, offset_at
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from pylot_ls.bench.typist import Keystroke, TypingTrace


class TypedText:
    """Holds the text after the keystrokes so far.

    Attributes:
        cursor: its offset, in characters; before any keystroke it is where the first one will be.
    """

    def __init__(self, trace: TypingTrace) -> None:
        self._document = Document("", "", 0, Text.from_str(trace.opened))
        self.cursor = self.offset(trace.keystrokes[0].start)

    @property
    def text(self) -> Text:
        """As it is now."""
        return self._document.text

    def type(self, key: Keystroke) -> None:
        """Make a keystroke's edit."""
        change = Change(Position(*key.start), Position(*key.end), key.text)
        self._document = self._document.apply([change], 0, PositionEncoding.UTF32)
        self.cursor = self.offset(key.cursor)

    def offset(self, place: tuple[int, int]) -> int:
        """Of a line and column from 0, in characters."""
        return offset_at(self.text, Position(*place), PositionEncoding.UTF32)
