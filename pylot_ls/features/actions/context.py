"""Where an action is asked for: a document, a range in it, and the text around that as far as it is looked at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

from pylot_ls.features.actions.excerpt import Excerpt, excerpt_around
from pylot_ls.language import ENGLISH
from pylot_ls.syntax.definitions import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.engine.types import ModelInfo
    from pylot_ls.features.view import View
    from pylot_ls.language import Language
    from pylot_ls.syntax.definitions import Definition
    from pylot_ls.syntax.scope import Scope
    from pylot_ls.text.document import Document

# What a model is to write again must be read by a person, and written in seconds.
MOST_REGION_CHARACTERS = 6_000


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What some other server says about a part of a document.

    Attributes:
        message: as it is shown.
        start, end: the part, in characters.
        severity: 1 for an error, 2 for a warning, 3 and 4 for less.
        code, source: as the other server names them, "" where it does not.
    """

    message: str
    start: int
    end: int
    severity: int = 1
    code: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the configured models can do.

    Attributes:
        chats: answer questions.
        fills: complete at a place within a text.
    """

    chats: bool = False
    fills: bool = False

    @classmethod
    def of(cls, complete: ModelInfo | None, *, chats: bool) -> Self:
        """What one that completes can do, as far as it is known, and whether there is one that chats."""
        if complete is None:
            return cls(chats)
        return cls(chats, complete.fim is not None)


@dataclass(frozen=True)
class Context:
    """What an action knows before a model is asked; never changed.

    Attributes:
        document: a snapshot.
        start, end: the range that is selected in it, in characters; equal for a cursor.
        diagnostics: those that the editor shows there.
        abilities: of the models.
        language: the user's.
    """

    document: Document
    start: int
    end: int
    diagnostics: Sequence[Diagnostic] = ()
    abilities: Abilities = field(default_factory=Abilities)
    language: Language = ENGLISH

    @cached_property
    def excerpt(self) -> Excerpt:
        """What is looked at; see ``parsed``."""
        return excerpt_around(self.document, self.start, self.end)

    async def parsed(self) -> Self:
        """The same with ``excerpt`` there: what takes milliseconds is done on a thread."""
        try:
            # Where the cached property has it.
            self.__dict__["excerpt"] = excerpt_around(self.document, self.start, self.end, parses=False)
        except LookupError:
            await asyncio.to_thread(getattr, self, "excerpt")
        return self

    @property
    def view(self) -> View:
        """See ``Excerpt``."""
        return self.excerpt.view

    @property
    def scope(self) -> Scope | None:
        """See ``Excerpt``."""
        return self.excerpt.scope

    @property
    def place(self) -> int:
        """See ``Excerpt``."""
        return self.excerpt.place

    @property
    def definition(self) -> Definition | None:
        """See ``Excerpt``."""
        return self.excerpt.definition

    @cached_property
    def region(self) -> Span | None:
        """What is to be written again: whole lines of the view, of the selection or else of the definition.

        None where there is neither, or more than a model writes again in a time that anybody waits.
        """
        if self.selected.strip():
            start, end = self.view.from_text(self.start), self.view.from_text(self.end)
        elif self.definition is not None:
            whole, documentation = self.definition.whole, self.definition.documentation
            start, end = whole.start, whole.end
            if documentation is not None:
                start = min(start, documentation.start)
        else:
            return None
        region = self.lines(start, end)
        return region if region.end - region.start <= MOST_REGION_CHARACTERS else None

    @property
    def selected(self) -> str:
        """The selection, as far as it may be written again; "" for a cursor."""
        return self.document.text.slice(self.start, min(self.end, self.start + 2 * MOST_REGION_CHARACTERS))

    @property
    def is_selection(self) -> bool:
        """Whether something other than white space is selected."""
        return bool(self.selected.strip())

    def lines(self, start: int, end: int) -> Span:
        """The lines of the view that a part of it is in, without the last one's terminator."""
        view = self.view.text
        last = max(start, end - 1) if end > start and view[end - 1 : end] == "\n" else end
        line_end = view.find("\n", last)
        return Span(view.rfind("\n", 0, start) + 1, len(view) if line_end < 0 else line_end)

    def shown(self, span: Span) -> str:
        """A part of the view."""
        return self.view.text[span.start : span.end]

    @property
    def line(self) -> Span:
        """The line of the view that the range begins in."""
        return self.lines(self.place, self.place)

    @cached_property
    def terminator(self) -> str:
        r"""The line terminator of the document's first line, ``\n`` where it has but one."""
        text = self.document.text
        return text.slice(text.line_end(0), text.line_start(1)) if text.n_lines > 1 else "\n"
