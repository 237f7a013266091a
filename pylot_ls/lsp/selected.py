"""The entry that is selected in the editor's own list of completions: what is suggested goes on from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.lsp.documents import position_of
from pylot_ls.text.position import offset_at, position_at

if TYPE_CHECKING:
    from lsprotocol import types

    from pylot_ls.features.completion import Suggestion
    from pylot_ls.text.position import PositionEncoding
    from pylot_ls.text.rope import Text


@dataclass(frozen=True, slots=True)
class Selected:
    """What accepting the entry would do, and where the cursor is. Offsets count characters.

    Attributes:
        start, end: the range that would be replaced, on the cursor's line and around it.
        text: what would stand there.
        typed: what stands there up to the cursor.
    """

    start: int
    end: int
    text: str
    typed: str

    @classmethod
    def at(
        cls, text: Text, cursor: int, info: types.SelectedCompletionInfo, encoding: PositionEncoding
    ) -> Selected | None:
        """The entry at a cursor; None where its range is not around the cursor, within one line of the document.

        VS Code sends a range from the beginning of the word, or a little before, to the cursor or the word's end.
        """
        ends = [position_of(info.range.start), position_of(info.range.end)]
        start, end = (offset_at(text, position, encoding) for position in ends)
        is_within = [position_at(text, offset, encoding) for offset in (start, end)] == ends
        if not is_within or ends[0].line != ends[1].line or not start <= cursor <= end:
            return None
        return cls(start, end, info.text, text.slice(start, cursor))

    def accepted_in(self, text: Text, shift: int = 0) -> tuple[Text, int]:
        """A text, before which ``shift`` characters stand now, with the entry accepted, and the cursor behind it."""
        start = self.start + shift
        return text.replace(start, self.end + shift, self.text), start + len(self.text)

    def with_entry(self, suggestion: Suggestion) -> Suggestion:
        """A suggestion behind the entry as what would be inserted in the document as it is, at the cursor if it can."""
        is_typed = self.text.startswith(self.typed) and self.end == self.start + len(self.typed)
        n_typed = len(self.typed) if is_typed else 0
        return replace(suggestion, text=self.text[n_typed:] + suggestion.text, offset=self.start + n_typed)
