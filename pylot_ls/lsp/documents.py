"""The open documents of a session."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.text.document import Change, Document
from pylot_ls.text.position import Position, PositionEncoding
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class OpenDocuments:
    """The latest snapshot of each open document; only what the client has opened is ever read."""

    encoding: PositionEncoding = PositionEncoding.UTF16
    _by_uri: dict[str, Document] = field(default_factory=dict)

    def get(self, uri: str) -> Document | None:
        """The document as it is now, None when it is not open."""
        return self._by_uri.get(uri)

    @property
    def uris(self) -> tuple[str, ...]:
        """Of all open documents."""
        return tuple(self._by_uri)

    def open(self, item: types.TextDocumentItem) -> None:
        """Take over a document; one that was open already is replaced."""
        self._by_uri[item.uri] = Document(item.uri, item.language_id, item.version, Text.from_str(item.text))

    def change(
        self,
        uri: str,
        version: int,
        changes: Sequence[types.TextDocumentContentChangeEvent],
    ) -> Document | None:
        """Apply edits; the document after them. Those to one that is not open are dropped: there is nothing to edit."""
        document = self._by_uri.get(uri)
        if document is None:
            _log.warning("an edit of a document that is not open was dropped")
            return None
        if version <= document.version:
            # The edits come in the order in which they were made, whatever their numbers say.
            _log.warning("version %d follows version %d", version, document.version)
        edited = document.apply([change_of(event) for event in changes], version, self.encoding)
        self._by_uri[uri] = edited
        return edited

    def close(self, uri: str) -> None:
        """Forget a document."""
        self._by_uri.pop(uri, None)


def change_of(event: types.TextDocumentContentChangeEvent) -> Change:
    """LSP's edit as the text model's."""
    if isinstance(event, types.TextDocumentContentChangePartial):
        return Change(position_of(event.range.start), position_of(event.range.end), event.text)
    return Change(None, None, event.text)


def position_of(position: types.Position) -> Position:
    """LSP's position as the text model's."""
    return Position(position.line, position.character)
