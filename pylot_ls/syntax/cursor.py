"""The syntax at a cursor, and what it would be with a suggestion inserted there."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pylot_ls.syntax.body import EmptyBody, empty_body
from pylot_ls.syntax.grammars import grammar
from pylot_ls.syntax.inside import is_in_comment, is_in_string
from pylot_ls.syntax.parsing import Parsed, parse
from pylot_ls.syntax.unit import end_of_body, end_of_statement
from pylot_ls.syntax.window import Window, encode

if TYPE_CHECKING:
    from tree_sitter import Language

# The last text of each language: at the next keystroke most of it is the same. Nothing but time depends on it.
_latest: dict[str, Parsed] = {}


class Syntax:
    """The syntax of a window of text, as far as it is asked for. Offsets into suggestions count characters.

    Several threads may ask at once, each about a suggestion of its own.
    """

    def __init__(self, language_id: str, language: Language, window: Window, parsed: Parsed) -> None:
        self._language_id = language_id
        self._language = language
        self._window = window
        self._parsed = parsed
        self._cursor = len(encode(window.before))
        self._n_errors = {"": parsed.n_errors()}
        self._last_inserted = ("", parsed)

    @classmethod
    def at(cls, language_id: str, window: Window) -> Syntax | None:
        """None where there is no grammar of that language, or the text takes too long to parse."""
        language = grammar(language_id)
        if language is None:
            return None
        parsed = parse(language, encode(window.before + window.after), _latest.get(language_id))
        if parsed is None:
            return None
        _latest[language_id] = parsed
        return cls(language_id, language, window, parsed)

    @cached_property
    def in_comment(self) -> bool:
        """Whether the cursor is in a comment, or right behind one that goes on to the line's end."""
        return is_in_comment(self._parsed, self._window.before, self._parse)

    @cached_property
    def in_string(self) -> bool:
        """Whether the cursor is in a string, be it finished or not, and not in code within it."""
        return not self.in_comment and is_in_string(self._parsed, self._window.before, self._language_id, self._parse)

    @cached_property
    def empty_body(self) -> EmptyBody | None:
        """The body at the cursor, where it has nothing in it yet."""
        body = empty_body(self._parsed, self._cursor, has_braces=self._language_id != "python")
        return None if body is None or self.in_comment or self.in_string else body

    def n_errors(self, suggestion: str = "") -> int | None:
        """How many errors and missing tokens the text has with a suggestion inserted; None where that is unknown."""
        if suggestion not in self._n_errors:
            parsed = self._with(suggestion)
            if parsed is None:
                return None
            self._n_errors[suggestion] = parsed.n_errors()
        return self._n_errors[suggestion]

    def end_of_unit(self, suggestion: str) -> int | None:
        """Where in a suggestion that is over which it is about; None where that is not in it, or nothing follows.

        That is the body at the cursor, where it has nothing in it yet, and else the statement at the cursor.
        """
        parsed = self._with(suggestion)
        if parsed is None:
            return None
        is_body = self.empty_body is not None
        inserted = encode(suggestion)
        end = (end_of_body if is_body else end_of_statement)(parsed, self._cursor, self._cursor + len(inserted))
        if end is None or not 0 <= end - self._cursor < len(inserted):
            return None
        return len(inserted[: end - self._cursor].decode("utf-8"))

    def _with(self, suggestion: str) -> Parsed | None:
        inserted, parsed = self._last_inserted
        if inserted == suggestion:
            return parsed
        now = self._parse(self._window.before + suggestion + self._window.after)
        if now is not None:
            self._last_inserted = (suggestion, now)
        return now

    def _parse(self, text: str) -> Parsed | None:
        return parse(self._language, encode(text), self._parsed)
