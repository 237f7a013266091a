"""When a suggestion is complete while it is being decoded. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.features.shape import Shape
    from pylot_ls.syntax.cursor import Syntax


class StopRule:
    """A suggestion ends where it leaves its shape, or where what it is about is over.

    Its syntax is looked at once for each line that is complete: a parse takes a millisecond.

    Args:
        shape: its limits.
        syntax: that at the cursor, None where there is no grammar.
    """

    def __init__(self, shape: Shape, syntax: Syntax | None = None) -> None:
        self._shape = shape
        self._syntax = syntax
        self._n_looked_at = 0

    def complete_part(self, text: str) -> str | None:
        """The part of the text that is the suggestion, or None while more may belong to it."""
        part = self._shape.complete_part(text)
        lines = text if part is None else part
        n_complete = lines.count("\n")
        if self._syntax is not None and n_complete > self._n_looked_at and self._shape.max_lines > 1:
            self._n_looked_at = n_complete
            whole_lines = lines[: lines.rfind("\n") + 1]
            unit = one_unit(whole_lines, self._syntax)
            part = part if unit == whole_lines else unit
        return part


def one_unit(text: str, syntax: Syntax) -> str:
    """The beginning of a text that is all of what it is about: of the body at the cursor, or of the statement.

    Single lines that follow each other, as imports do, are not told apart.
    """
    end = syntax.end_of_unit(text)
    body = syntax.empty_body
    if end is None or (body is None and "\n" in text and "\n" not in text[:end]):
        return text
    closing_line = text[end:].partition("\n")[0] if body and body.closer else ""
    return text[:end] + closing_line
