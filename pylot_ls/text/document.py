"""A document at a version, and the edits that lead to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.errors import PositionError
from pylot_ls.text.difference import Edit, difference
from pylot_ls.text.position import Position, PositionEncoding, offset_at
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of a document.

    Attributes:
        start, end: the range to replace; both None to replace everything. A start behind the end is swapped
            with it.
        text: what stands there afterwards.

    Raises:
        PositionError: only one of start and end is None.
    """

    start: Position | None
    end: Position | None
    text: str

    def __post_init__(self) -> None:
        if (self.start is None) != (self.end is None):
            raise PositionError("A change needs both ends of its range, or neither to replace the whole document.")


@dataclass(frozen=True, slots=True)
class Document:
    """An immutable snapshot of a file's text at a version.

    Attributes:
        uri: as the client gave it.
        language_id: as LSP names languages.
        version: the client's; whether it is newer than another is the caller's to judge.
        text: its characters.
    """

    uri: str
    language_id: str
    version: int
    text: Text

    def apply(self, changes: Iterable[Change], version: int, encoding: PositionEncoding) -> Document:
        """The document after the changes, made one after the other, each in the text the ones before it left.

        Positions past the end of a line or of the text are clamped, as ``offset_at`` says.
        """
        text = self.text
        for change in changes:
            text = _apply(text, change, encoding)
        return replace(self, version=version, text=text)


def edits_of(text: Text, changes: Iterable[Change], encoding: PositionEncoding) -> list[Edit]:
    """What changes do to a text, by offsets: each in the text that the ones before it left.

    Where all of the text is replaced, the edit is all that could have been touched.
    """
    edits = []
    for change in changes:
        after = _apply(text, change, encoding)
        if change.start is None or change.end is None:
            changed = difference(text, after)
            edits += [] if changed is None else [changed.widest]
        else:
            start, end = sorted((offset_at(text, change.start, encoding), offset_at(text, change.end, encoding)))
            edits.append(Edit(start, end, start + len(change.text)))
        text = after
    return edits


def _apply(text: Text, change: Change, encoding: PositionEncoding) -> Text:
    if change.start is None or change.end is None:
        return Text.from_str(change.text)
    # Swapping is what vscode-languageserver does too, so clients that send such a range expect it.
    start, end = sorted((offset_at(text, change.start, encoding), offset_at(text, change.end, encoding)))
    return text.replace(start, end, change.text)
