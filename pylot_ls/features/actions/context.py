"""Where an action is asked for: a document, a range in it, and the text around that as far as it is looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pylot_ls.features.view import View
from pylot_ls.language import ENGLISH
from pylot_ls.prompts.window import window_end, window_start
from pylot_ls.syntax.definitions import Span
from pylot_ls.syntax.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.language import Language
    from pylot_ls.syntax.definitions import Definition
    from pylot_ls.text.document import Document

# What is parsed for a list; a definition that goes on beyond it is not offered anything that needs all of it.
# Twice as much takes twice the time, and hardly any function is as long.
_BEFORE_CHARACTERS = 6_000
_AFTER_CHARACTERS = 7_000
_END_STEP = 1_000
# A line with which a definition begins, and what is written above it.
_HEADER = re.compile(
    r"""^([ \t]*)(?:
        @\w | \#\[ | (?:async\s+)?def\s+\w+\s*[(\[] | class\s+\w+\s*[(:{\[]
        | (?:export|public|private|protected|static|abstract|final)\s+\w+[\w\s.<>]*[({=]
        | (?:async\s+)?function\s*\w+\s*\( | (?:interface|struct|enum|namespace)\s+\w+\s*\{ | func\s.*\{
        | (?:pub\b\S*\s+)?(?:(?:async\s+)?fn|struct|enum|trait|impl)\b.*[({] | template\s*<
        | (?:void|int|char|bool|double|float|long|size_t|auto)\s+\w+\s*\(
    )""",
    re.VERBOSE | re.MULTILINE,
)
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
    def view(self) -> View:
        """The window that is parsed. Its borders move in steps, so that it is mostly the one of the list before."""
        text = self.document.text
        wanted = min(len(text), (self.end // _END_STEP + 1) * _END_STEP + _AFTER_CHARACTERS)
        start = window_start(text, self.start, _BEFORE_CHARACTERS)
        if start:
            # Elsewhere a string or a comment may be open, and all behind it would be read the other way round. What is
            # an example in one of them is indented further than what stands around that.
            headers = _HEADER.finditer(text.slice(start, self.start))
            start += min(((len(each[1]), each.start()) for each in headers), default=(0, 0))[1]
        return View(text, start, window_end(text, start, wanted - start))

    @cached_property
    def scope(self) -> Scope | None:
        """The syntax of the view; None where there is no grammar, or it takes too long to parse."""
        return Scope.of(self.document.language_id, self.view.text)

    @property
    def is_parsed(self) -> bool:
        """Whether ``scope`` takes no time."""
        return "scope" in self.__dict__ or Scope.is_at_hand(self.document.language_id, self.view.text)

    @cached_property
    def place(self) -> int:
        """The range's beginning in the view; in white space around a line, the nearest character of that line."""
        view, offset = self.view.text, self.view.from_text(self.start)
        line_start = view.rfind("\n", 0, offset) + 1
        line = view[line_start:].partition("\n")[0]
        first, last = len(line) - len(line.lstrip()), len(line.rstrip()) - 1
        return line_start + max(first, min(offset - line_start, last)) if line.strip() else offset

    @cached_property
    def definition(self) -> Definition | None:
        """The innermost definition around the range's beginning, if all of it is in the view."""
        scope = self.scope
        found = None if scope is None else scope.definition_at(self.place)
        if found is None or (found.whole.end >= len(self.view.text.rstrip()) and not self.view.reaches_end):
            return None
        return found

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
