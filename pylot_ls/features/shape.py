"""How much to suggest at a cursor: the rest of a line, or a few lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# What opens a block, as the last character of a line, in the languages people use most.
_OPENERS = (":", "{", "(", "[")


@dataclass(frozen=True, slots=True)
class Shape:
    """The limits of one suggestion.

    Attributes:
        max_lines: 1 for the rest of the line.
        indent: columns of the cursor's line; a line of the suggestion that stands further left ends it.
    """

    max_lines: int
    indent: int

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts at which decoding may end."""
        return ("\n",) if self.max_lines == 1 else ("\n\n",)

    def complete_part(self, text: str) -> str | None:
        """The part of the text that is within the limits, or None while the text is still within them itself."""
        lines = text.split("\n")
        for index, line in enumerate(lines):
            is_whole = index + 1 < len(lines)
            leaves = index > 0 and bool(line.strip()) and indent_width(line) < self.indent
            if leaves or index >= self.max_lines or (index > 0 and is_whole and not line.strip()):
                return "\n".join(lines[:index])
        return None


def shape_at(line_before: str, line_after: str, previous_line: str, max_lines: int) -> Shape:
    """The shape that fits a cursor.

    Several lines are suggested only on a line that is empty but for indentation and only where a block begins (the
    line above opens one) or the file does; anywhere else a person reads one line at a time.

    Args:
        line_before: the cursor's line up to the cursor.
        line_after: the rest of the line.
        previous_line: the last line above that is not blank, "" where there is none.
        max_lines: the most lines the user wants.
    """
    blank = not line_before.strip() and not line_after.strip()
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
