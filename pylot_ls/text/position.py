"""Positions as LSP counts them: lines, and code units of the encoding that client and server agreed on."""

from __future__ import annotations

import enum
from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from pylot_ls.errors import PositionError
from pylot_ls.text.chunk import Chunk, utf8_length, utf16_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.text.rope import Text


class PositionEncoding(enum.StrEnum):
    """What ``Position.character`` counts; the values are LSP's."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two characters.

    Attributes:
        line: from 0.
        character: code units of the encoding since the start of the line, from 0.

    Raises:
        PositionError: one of them is negative.
    """

    line: int
    character: int

    def __post_init__(self) -> None:
        if self.line < 0 or self.character < 0:
            raise PositionError(f"A position's line and character count from 0; got {self.line} and {self.character}.")


_LENGTH: dict[PositionEncoding, Callable[[str], int]] = {
    PositionEncoding.UTF8: utf8_length,
    PositionEncoding.UTF16: utf16_length,
    PositionEncoding.UTF32: len,
}
_CHUNK_LENGTH: dict[PositionEncoding, Callable[[Chunk], int]] = {
    PositionEncoding.UTF8: attrgetter("n_utf8"),
    PositionEncoding.UTF16: attrgetter("n_utf16"),
    PositionEncoding.UTF32: attrgetter("n_chars"),
}


def offset_at(text: Text, position: Position, encoding: PositionEncoding) -> int:
    """The offset in characters of a position.

    As LSP says, a character past the end of the line means the line's end, before its terminator. A line past
    the end of the text means the end of the text, and a position inside a character means its start.
    """
    if position.line >= text.n_lines:
        return len(text)
    start, end = text.line_start(position.line), text.line_end(position.line)
    if encoding is PositionEncoding.UTF32:
        return min(start + position.character, end)
    units = position.character
    for chunk_start, chunk in text.chunks_between(start, end):
        piece_start, piece = _part(chunk_start, chunk, start, end)
        n_units = _piece_length(chunk, piece, encoding)
        if units < n_units:
            return piece_start + _chars_in(piece, units, encoding)
        units -= n_units
    return end


def position_at(text: Text, offset: int, encoding: PositionEncoding) -> Position:
    r"""The position of an offset in characters; between ``\r`` and ``\n`` it is the end of their line.

    Raises:
        PositionError: unless 0 <= offset <= len(text).
    """
    line = text.line_of(offset)
    start = text.line_start(line)
    offset = min(offset, text.line_end(line))
    if encoding is PositionEncoding.UTF32:
        return Position(line, offset - start)
    units = 0
    for chunk_start, chunk in text.chunks_between(start, offset):
        _, piece = _part(chunk_start, chunk, start, offset)
        units += _piece_length(chunk, piece, encoding)
    return Position(line, units)


def _part(chunk_start: int, chunk: Chunk, start: int, end: int) -> tuple[int, str]:
    """What of a chunk lies between two offsets of the text, and the offset where that begins."""
    piece_start = max(start, chunk_start)
    return piece_start, chunk.text[piece_start - chunk_start : end - chunk_start]


def _piece_length(chunk: Chunk, piece: str, encoding: PositionEncoding) -> int:
    """Code units of a piece of a chunk; of a whole chunk they are known already."""
    return _CHUNK_LENGTH[encoding](chunk) if len(piece) == chunk.n_chars else _LENGTH[encoding](piece)


def _chars_in(piece: str, units: int, encoding: PositionEncoding) -> int:
    """How many whole characters the first code units of a piece hold."""
    if piece.isascii():
        return units
    length = _LENGTH[encoding]
    return bisect_right(range(len(piece) + 1), units, key=lambda n_chars: length(piece[:n_chars])) - 1
