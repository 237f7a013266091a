"""When the person of ``bench quality`` looks at a suggestion, and what is taken of it. Pure."""

from __future__ import annotations

import enum
import itertools
import re
from dataclasses import dataclass
from functools import cached_property

# A suggestion of one character is read more slowly than it is typed.
_WORTH_TAKING = 2
_WORD = re.compile(r"\w+")
_INDENTATION = re.compile(r"\n[^\S\n]*")
# What one press of "accept the next word" takes: a word or a run of signs, with the blanks before it.
_NEXT_WORD = re.compile(r"[^\S\n]*(?:\w+|[^\w\s]+)")


class Ask(enum.StrEnum):
    """Where the person pauses so long that the editor's suggestion is looked at.

    LINE is after Return, at the end of a line and where a hole begins within a line; WORD is there and where a word
    begins; EVERY is after each keystroke.
    """

    EVERY = "every"
    LINE = "line"
    WORD = "word"


@dataclass(frozen=True)
class Typing:
    """How a text is typed. Offsets count its characters from 0.

    Attributes:
        text: what is typed. Where it begins with a line feed, Return is pressed first.
    """

    text: str

    @cached_property
    def _is_given(self) -> list[bool]:
        """Of each character, whether it is the indentation that the editor gives after Return."""
        given = [False] * len(self.text)
        for match in _INDENTATION.finditer(self.text):
            given[match.start() + 1 : match.end()] = [True] * (match.end() - match.start() - 1)
        return given

    @cached_property
    def _n_typed(self) -> list[int]:
        return [0, *itertools.accumulate(not given for given in self._is_given)]

    def n_characters(self, start: int = 0, end: int | None = None) -> int:
        """How many characters between two offsets a person has to type: all but the indentation after Return."""
        return self._n_typed[len(self.text) if end is None else end] - self._n_typed[start]

    def keystroke(self, at: int) -> str:
        """What the next keystroke puts at an offset: a character, or a line feed with the line's indentation."""
        end = at + 1
        while end < len(self.text) and self._is_given[end]:
            end += 1
        return self.text[at:end]

    def looks(self, ask: Ask) -> frozenset[int]:
        """The offsets at which the person looks, beside those that an accepted suggestion leads to.

        The last is the text's end, where nothing is left to suggest.
        """
        places = {len(self.text)}
        if not self.text.startswith("\n"):
            places.add(0)
        if ask is Ask.EVERY:
            places.update(offset for offset in range(1, len(self.text)) if not self._is_given[offset])
            return frozenset(places)
        for match in _INDENTATION.finditer(self.text):
            places.update({match.start(), match.end()})
        if ask is Ask.WORD:
            places.update(match.start() for match in _WORD.finditer(self.text))
        # Before the first Return nothing has been typed yet.
        return frozenset(places - {0} if self.text.startswith("\n") else places)

    def accepted(self, suggestion: str, at: int) -> str:
        """What the person takes of a suggestion at an offset: all, its first line or its first word; "" for nothing.

        It is the longest of these that is exactly what comes next, and saves at least two characters.
        """
        word = _NEXT_WORD.match(suggestion)
        for part in (suggestion, suggestion.split("\n", 1)[0], word.group() if word else ""):
            if part and self.text.startswith(part, at) and self.n_characters(at, at + len(part)) >= _WORTH_TAKING:
                return part
        return ""

    def rest_of_line(self, at: int) -> str:
        """What is still to be typed of the line at an offset."""
        return self.text[at:].split("\n", 1)[0]

    def is_right(self, suggestion: str, at: int) -> bool:
        """Whether the suggestion, to the end of its first line with text, is what comes next or its beginning."""
        lines = suggestion.split("\n")
        n_lines = next((number for number, line in enumerate(lines, 1) if line.strip()), len(lines))
        return self.text.startswith("\n".join(lines[:n_lines]), at)
