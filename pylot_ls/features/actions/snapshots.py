"""What documents were when their actions were listed, and what was edited since."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.text.difference import Edit
    from pylot_ls.text.document import Document

# An editor resolves what it listed last. Some list at each movement of the cursor, but that is the same document.
_MOST_SNAPSHOTS = 8
# Who has typed so much has forgotten the list.
_MOST_EDITS = 2000


@dataclass(slots=True)
class _Snapshot:
    document: Document
    edits: list[Edit] = field(default_factory=list)


class Snapshots:
    """Remembers the documents for which actions were listed last. Everything here runs on the event loop."""

    def __init__(self) -> None:
        self._by_mark: OrderedDict[int, _Snapshot] = OrderedDict()
        self._marks = itertools.count(1)

    def take(self, document: Document) -> int:
        """Remember a document as it is now; a number by which it is found again."""
        for mark, snapshot in self._by_mark.items():
            if snapshot.document is document:
                self._by_mark.move_to_end(mark)
                return mark
        mark = next(self._marks)
        self._by_mark[mark] = _Snapshot(document)
        if len(self._by_mark) > _MOST_SNAPSHOTS:
            self._by_mark.popitem(last=False)
        return mark

    def document(self, uri: str, mark: int) -> Document | None:
        """A document as it was; None where that is forgotten, or the mark is another one's."""
        snapshot = self._by_mark.get(mark)
        return snapshot.document if snapshot is not None and snapshot.document.uri == uri else None

    def edits_since(self, mark: int) -> Sequence[Edit] | None:
        """What was edited since; None where that is forgotten."""
        snapshot = self._by_mark.get(mark)
        return None if snapshot is None else tuple(snapshot.edits)

    def watches(self, uri: str) -> bool:
        """Whether edits of a document are to be told."""
        return any(snapshot.document.uri == uri for snapshot in self._by_mark.values())

    def edited(self, uri: str, edits: Sequence[Edit]) -> None:
        """A document was edited, in this order."""
        for mark, snapshot in list(self._by_mark.items()):
            if snapshot.document.uri == uri:
                snapshot.edits += edits
                if len(snapshot.edits) > _MOST_EDITS:
                    del self._by_mark[mark]

    def forget(self, uri: str) -> None:
        """The document was closed, or opened anew."""
        for mark, snapshot in list(self._by_mark.items()):
            if snapshot.document.uri == uri:
                del self._by_mark[mark]
