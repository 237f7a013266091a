"""The head of a file: its imports, which say what the names further down are. Pure.

Languages are not told apart; the words with which most of them import are few.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pylot_ls.text.rope import Text

_MOST_LINES = 60
# Looked at for the head: no more, however long the lines are.
_MOST_CHARACTERS = 8192

_IMPORT = re.compile(
    r"""\s*(?:
        import\b | from\s+\S+\s+import\b | package\s | use\s | using\s | require\b | require_relative\b | include\b
        | \#\s*(?:include|import)\b | @import\b | mod\s+\w+; | extern\s+crate\b
        | (?:const|let|var)\s.*\brequire\(
    )""",
    re.VERBOSE,
)
# Blank lines, comments, and lines that are but a string, such as "use strict".
_BETWEEN = re.compile(r"""\s*(?:$|\#|//|--|<\?php|(["'])[^"']*\1;?\s*$)""")
# What goes on over several lines, with what ends it.
_OPENING = re.compile(r"\s*r?(\"\"\"|'''|/\*)")
_ENDS = {'"""': '"""', "'''": "'''", "/*": "*/"}


def head_of(text: Text, n_characters: int) -> tuple[int, int] | None:
    """The offsets from the first import at a file's beginning to the end of the last that belongs together with it.

    Whole lines, at most ``n_characters``. They end before the first line that is not an import, a comment, a string
    on its own (a docstring) or blank, and within 60 lines. None where there are no imports.
    """
    end = text.line_start(min(_MOST_LINES, text.n_lines - 1))
    lines = with_line_feeds(text.slice(0, min(end, _MOST_CHARACTERS))).split("\n")
    del lines[-1]  # not whole, or empty
    first, start, last_end = -1, 0, 0
    for begin, stop in _imports(lines):
        if first < 0:
            first, start = begin, text.line_start(begin)
        if text.line_start(stop) - start > n_characters:
            break
        last_end = text.line_start(stop)
    return (start, last_end) if last_end else None


def _imports(lines: list[str]) -> Iterator[tuple[int, int]]:
    """The ranges of lines that are imports, up to the first line that is something else."""
    number = 0
    while number < len(lines):
        begin, line = number, lines[number]
        if _IMPORT.match(line):
            number = _end_of_import(lines, begin)
            yield begin, number
        elif opening := _OPENING.match(line):
            number = _end_of_block(lines, begin, opening.end(), _ENDS[opening[1]])
        elif _BETWEEN.match(line):
            number += 1
        else:
            return


def _end_of_import(lines: list[str], begin: int) -> int:
    """The line after an import, which goes on while a bracket is open or a line ends with a backslash."""
    depth = 0
    for number in range(begin, len(lines)):
        line = lines[number]
        depth += line.count("(") + line.count("{") - line.count(")") - line.count("}")
        if depth <= 0 and not line.endswith("\\"):
            return number + 1
    return len(lines)


def _end_of_block(lines: list[str], begin: int, column: int, mark: str) -> int:
    """The line after a comment or string that begins before a column of a line and ends with a mark."""
    if mark in lines[begin][column:]:
        return begin + 1
    return next((number + 1 for number in range(begin + 1, len(lines)) if mark in lines[number]), len(lines))
