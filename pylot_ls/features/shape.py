"""How much to suggest at a cursor: the rest of a line, or a few lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.syntax.cursor import Syntax

# What opens a block, as the last character of a line, in the languages people use most.
_OPENERS = (":", "{", "(", "[")


@dataclass(frozen=True, slots=True)
class Shape:
    """The limits of one suggestion.

    Attributes:
        max_lines: 1 for the rest of the line.
        indent: columns of the cursor's line; a line of the suggestion that stands further left ends it.
        closer: a bracket that the suggestion is to close: the line that begins with it is its last.
    """

    max_lines: int
    indent: int
    closer: str = ""

    def complete_part(self, text: str) -> str | None:
        """The part of the text that is within the limits, or None while the text is still within them itself."""
        lines = text.split("\n")
        for index, line in enumerate(lines):
            is_whole = index + 1 < len(lines)
            leaves = index > 0 and bool(line.strip()) and indent_width(line) < self.indent
            closes = leaves and bool(self.closer) and line.lstrip().startswith(self.closer)
            if closes and index < self.max_lines:
                return "\n".join(lines[: index + 1]) if is_whole else None
            if leaves or index >= self.max_lines or (index > 0 and is_whole and not line.strip()):
                return "\n".join(lines[:index])
        return None


def shape_at(
    line_before: str, line_after: str, previous_line: str, max_lines: int, syntax: Syntax | None = None
) -> Shape:
    """The shape that fits a cursor.

    Several lines are suggested only where a body has nothing in it yet, or the file has; anywhere else, as in the
    middle of an expression, a person reads one line at a time. Where there is no grammar that tells bodies, several
    lines need a line that is empty but for indentation, and the line above has to open a block.

    Args:
        line_before: the cursor's line up to the cursor.
        line_after: the rest of the line.
        previous_line: the last line above that is not blank, "" where there is none.
        max_lines: the most lines the user wants.
        syntax: that at the cursor, None where there is no grammar.
    """
    blank = not line_before.strip() and not line_after.strip()
    if syntax is not None and (previous_line or line_before.strip()):
        body = syntax.empty_body
        return Shape(max_lines, body.indent, body.closer) if body and max_lines > 1 else Shape(1, 0)
    opens = not previous_line or previous_line.rstrip().endswith(_OPENERS)
    several = blank and opens
    return Shape(max_lines if several else 1, indent_width(line_before) if several else 0)


def indent_width(line: str, tab_width: int = 4) -> int:
    """Columns of white space at the line's start."""
    width = 0
    for character in line:
        if character == "\t":
            width += tab_width - width % tab_width
        elif character == " ":
            width += 1
        else:
            break
    return width
