"""The text around a cursor, as far as the form of a suggestion depends on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.prompts.window import window_start, with_line_feeds
from pylot_ls.syntax.cursor import Syntax
from pylot_ls.syntax.window import AFTER_BYTES, BEFORE_BYTES, Window

if TYPE_CHECKING:
    from pylot_ls.text.document import Document
    from pylot_ls.text.rope import Text

# A line longer than this around the cursor is data, not something a person types on.
_LONGEST_LINE = 10_000
_LINES_ABOVE = 20


@dataclass(slots=True)
class Surroundings:
    r"""What stands around a cursor; never changed.

    Attributes:
        language_id: LSP's name of the language.
        line_before, line_after: the cursor's line up to the cursor, and its rest.
        previous_line: the last line above that is not blank, "" where there is none.
        prefix, suffix: the text before and after the cursor, as far as it is looked at; terminators are ``\n``.
        terminator: the one that added lines get.
        is_whole: whether nothing stands before the prefix.
    """

    language_id: str
    line_before: str
    line_after: str
    previous_line: str
    prefix: str
    suffix: str
    terminator: str
    is_whole: bool
    _parsed: tuple[Syntax | None] | None = field(default=None, repr=False)
    _parsing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @classmethod
    def of(cls, document: Document, offset: int) -> Surroundings | None:
        """None where no suggestion makes sense: in a line of a length that no person types."""
        text = document.text
        line = text.line_of(offset)
        start, end = text.line_start(line), text.line_end(line)
        if end - start > _LONGEST_LINE:
            return None
        above = (text.line(number) for number in range(line - 1, max(-1, line - _LINES_ABOVE), -1))
        prefix_start = window_start(text, offset, BEFORE_BYTES)
        return cls(
            language_id=document.language_id,
            line_before=text.slice(start, offset),
            line_after=text.slice(offset, end) if offset < end else "",
            previous_line=next((candidate for candidate in above if candidate.strip()), ""),
            prefix=with_line_feeds(text.slice(prefix_start, offset)),
            suffix=with_line_feeds(text.slice(offset, offset + AFTER_BYTES)),
            terminator=_terminator(text, line),
            is_whole=prefix_start == 0,
        )

    async def syntax(self) -> Syntax | None:
        """The syntax at the cursor, parsed once; None where there is no grammar or too much to parse."""
        async with self._parsing:
            if self._parsed is None:
                window = Window.around(self.prefix, self.suffix, is_whole=self.is_whole)
                # A parse of some milliseconds, in which the event loop would stand still.
                self._parsed = (await asyncio.to_thread(Syntax.at, self.language_id, window) if window else None,)
        return self._parsed[0]


def _terminator(text: Text, line: int) -> str:
    """The terminator of the cursor's line, or of the one above at the end of the file."""
    for number in (line, line - 1):
        if 0 <= number < text.n_lines - 1:
            return text.slice(text.line_end(number), text.line_start(number + 1))
    return "\n"
