"""Where the user has paused suggestions, in one session. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.text.document import Document


@dataclass(slots=True)
class Paused:
    """What is paused: everything, languages, documents. It ends with the session, unlike settings.

    Attributes:
        everywhere: in all documents.
        languages: their LSP identifiers.
        uris: of single documents, open or not.
    """

    everywhere: bool = False
    languages: set[str] = field(default_factory=set)
    uris: set[str] = field(default_factory=set)

    def covers(self, document: Document) -> bool:
        """Whether nothing is to be suggested in a document."""
        return self.everywhere or document.language_id in self.languages or document.uri in self.uris

    def pause(self, *, uri: str | None = None, language: str | None = None) -> None:
        """Pause in a document or in a language; everywhere where neither is named."""
        if uri is not None:
            self.uris.add(uri)
        if language is not None:
            self.languages.add(language)
        if uri is None and language is None:
            self.everywhere = True

    def resume(self, *, uri: str | None = None, language: str | None = None) -> None:
        """Take back a pause in a document or in a language; all of them where neither is named."""
        if uri is None and language is None:
            self.everywhere = False
            self.languages.clear()
            self.uris.clear()
        self.uris.discard(uri or "")
        self.languages.discard(language or "")
