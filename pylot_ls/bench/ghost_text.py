r"""What the editor plugin llama.vim shows of what llama-server generated. Pure.

After autoload/llama.vim of github.com/ggml-org/llama.vim, with its defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text

# So far back the plugin looks for a suggestion that has been typed along.
_LONGEST_TYPED_ALONG = 128


def ghost_text(generated: str, text: Text, offset: int) -> str:
    r"""The suggestion that is shown at an offset of a file; "" for none.

    Line feeds at its end go, and on a line of white space as much of its indentation as stands there already. Nothing
    is shown of white space alone, nor where the suggestion repeats the rest of the line or the lines that follow.

    Args:
        generated: what the server answered, or what is left of it.
        text: the file; line terminators are ``\n``.
        offset: of the cursor, in characters.
    """
    line_number = text.line_of(offset)
    line = text.line(line_number)
    column = offset - text.line_start(line_number)
    lines = generated.rstrip("\n").split("\n")
    if not line.strip():
        indentation = len(lines[0]) - len(lines[0].lstrip())
        lines[0] = lines[0][min(indentation, len(line)) :]
    shown = "\n".join(lines)
    if not shown.strip() or _repeats(lines, line[:column], line[column:], text, line_number):
        return ""
    return shown


def _repeats(lines: list[str], line_before: str, rest: str, text: Text, line_number: int) -> bool:
    """Whether the lines of a suggestion stand in the file already."""
    if lines == [rest]:
        return True
    if lines[0] == "" and lines[1:] == _lines(text, line_number + 1, len(lines) - 1):
        return True
    next_number = line_number + 1
    while next_number < text.n_lines - 1 and not text.line(next_number).strip():
        next_number += 1
    if [line_before + lines[0]] != _lines(text, next_number, 1):
        return False
    following = _lines(text, next_number + 1, len(lines) - 1)
    match lines[1:]:
        case []:
            return True
        case [last]:
            return bool(following) and following[0].startswith(last)
        case others:
            return others == following


def _lines(text: Text, first: int, n_lines: int) -> list[str]:
    return [text.line(number) for number in range(first, min(text.n_lines, first + n_lines))]


class TypedAlong:
    """What was generated in a place, to be shown on while what is typed agrees with it."""

    def __init__(self) -> None:
        self._generated: dict[int, str] = {}

    def add(self, offset: int, generated: str) -> None:
        """Remember what was generated for an offset."""
        self._generated[offset] = generated

    def rest(self, text: Text, offset: int) -> str:
        """What is left at an offset of what was generated there or before it, the longest; "" for nothing.

        Between the two nothing but typing may have happened.
        """
        if offset in self._generated:
            return self._generated[offset]
        rests = [
            generated[offset - earlier :]
            for earlier, generated in self._generated.items()
            if 0 < offset - earlier <= _LONGEST_TYPED_ALONG and generated.startswith(text.slice(earlier, offset))
        ]
        return max(rests, key=len, default="")
