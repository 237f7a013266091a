r"""An immutable text whose versions share what an edit leaves alone.

A text is a tuple of chunks with running totals beside it. An edit rebuilds the few chunks it touches and
copies the tuples, one entry for some 6,000 characters; the other chunks are shared. The idea is the rope's
(Boehm, Atkinson and Plass 1995, "Ropes: an Alternative to Strings") with a single level: at the sizes an
editor opens, copying a tuple is cheap and the code is short.

Offsets count characters, that is code points, from 0. Lines count from 0 and end with LSP's terminators only:
``\n``, ``\r\n`` and ``\r``. Lone surrogates, which a client can send, are characters like any other.

Invariants (``check_integrity``):
- no chunk is empty or longer than MAX_CHARS, and where there are several none is shorter than MIN_CHARS: this
  bounds the number of chunks, whatever the edits;
- no chunk boundary stands inside a ``\r\n``: so the totals of terminators add up.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, final

from pylot_ls.errors import PositionError
from pylot_ls.text.chunk import MAX_CHARS, MIN_CHARS, Chunk, cut, splits_crlf

if TYPE_CHECKING:
    from collections.abc import Iterator

_n_chars = attrgetter("n_chars")
_n_breaks = attrgetter("n_breaks")


@final
class Text:
    """An immutable text; build it with ``from_str`` and ``replace``."""

    __slots__ = ("_breaks", "_chunks", "_starts")

    # _starts[i] and _breaks[i] are the characters and the terminators before chunk i; the entry after that of
    # the last chunk is the total.

    def __init__(self, chunks: tuple[Chunk, ...], starts: tuple[int, ...], breaks: tuple[int, ...]) -> None:
        self._chunks = chunks
        self._starts = starts
        self._breaks = breaks

    @classmethod
    def from_str(cls, text: str) -> Text:
        """A text of these characters."""
        chunks = cut(text)
        return cls(
            chunks,
            tuple(accumulate(map(_n_chars, chunks), initial=0)),
            tuple(accumulate(map(_n_breaks, chunks), initial=0)),
        )

    def __len__(self) -> int:
        return self._starts[-1]

    def __str__(self) -> str:
        return "".join([chunk.text for chunk in self._chunks])

    def __repr__(self) -> str:
        # Without the characters: what the user writes must not reach a log by accident.
        return f"<Text of {len(self)} characters, {self.n_lines} lines>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Text):
            return NotImplemented
        return self is other or (len(self) == len(other) and str(self) == str(other))

    def __hash__(self) -> int:
        return hash((self._starts[-1], self._breaks[-1]))

    @property
    def n_lines(self) -> int:
        """The number of lines, at least 1: a text that ends with a terminator has an empty last line."""
        return self._breaks[-1] + 1

    def slice(self, start: int, end: int) -> str:
        """The characters from start to before end; what lies outside the text is left out."""
        start, end = max(start, 0), min(end, len(self))
        if start >= end:
            return ""
        first, last = self._index(start), self._index(end - 1)
        start_in_first, end_in_last = start - self._starts[first], end - self._starts[last]
        if first == last:
            return self._chunks[first].text[start_in_first:end_in_last]
        between = [chunk.text for chunk in self._chunks[first + 1 : last]]
        return "".join([self._chunks[first].text[start_in_first:], *between, self._chunks[last].text[:end_in_last]])

    def replace(self, start: int, end: int, new: str) -> Text:
        """A text in which ``new`` stands instead of the characters from start to before end.

        Raises:
            PositionError: unless 0 <= start <= end <= len(self).
        """
        if not 0 <= start <= end <= len(self):
            raise PositionError(f"The range {start} to {end} does not lie in a text of {len(self)} characters.")
        if start == end and not new:
            return self
        chunks = self._chunks
        if not chunks:
            return Text.from_str(new)
        first, last = self._index(start), self._index(end)
        head = chunks[first].text[: start - self._starts[first]]
        tail = chunks[last].text[end - self._starts[last] :]
        body, stop = head + new + tail, last + 1
        # A neighbour is taken in where the rest is too small to stand alone. On the left also where the two meet
        # in a \r\n; on the right they cannot, as the chunk at ``end`` keeps its last character.
        if first > 0 and (len(body) < MIN_CHARS or splits_crlf(chunks[first - 1].text, body)):
            first -= 1
            body = chunks[first].text + body
        if stop < len(chunks) and len(body) < MIN_CHARS:
            body += chunks[stop].text
            stop += 1
        return self._with_chunks(first, stop, cut(body))

    def line_start(self, line: int) -> int:
        """The offset of a line's first character.

        Raises:
            PositionError: there is no such line.
        """
        self._check_line(line)
        if line == 0:
            return 0
        index = bisect_left(self._breaks, line) - 1
        return self._starts[index] + self._chunks[index].line_starts()[line - self._breaks[index] - 1]

    def line_end(self, line: int) -> int:
        """The offset of a line's end, before its terminator.

        Raises:
            PositionError: there is no such line.
        """
        self._check_line(line)
        if line == self.n_lines - 1:
            return len(self)
        next_start = self.line_start(line + 1)
        terminator = self.slice(next_start - 2, next_start)
        return next_start - (2 if terminator == "\r\n" else 1)

    def line(self, line: int) -> str:
        """The characters of a line without its terminator.

        Raises:
            PositionError: there is no such line.
        """
        return self.slice(self.line_start(line), self.line_end(line))

    def line_of(self, offset: int) -> int:
        r"""The line an offset stands in; between ``\r`` and ``\n`` it is still in the line they end.

        Raises:
            PositionError: unless 0 <= offset <= len(self).
        """
        if not 0 <= offset <= len(self):
            raise PositionError(f"The offset {offset} does not lie in a text of {len(self)} characters.")
        if not self._chunks:
            return 0
        index = self._index(offset)
        return self._breaks[index] + bisect_right(self._chunks[index].line_starts(), offset - self._starts[index])

    def chunks_between(self, start: int, end: int) -> Iterator[tuple[int, Chunk]]:
        """The chunks that hold the characters from start to before end, each with the offset it begins at.

        Both offsets lie in the text. This is for those who count something along a very long line.
        """
        if start < end:
            for index in range(self._index(start), self._index(end - 1) + 1):
                yield self._starts[index], self._chunks[index]

    def check_integrity(self) -> None:
        """Verify the invariants, at the cost of reading everything; for tests.

        Raises:
            AssertionError: one does not hold.
        """
        rebuilt = [Chunk(chunk.text) for chunk in self._chunks]
        if self._starts != tuple(accumulate(map(_n_chars, rebuilt), initial=0)):
            raise AssertionError("the totals of characters are wrong")
        if self._breaks != tuple(accumulate(map(_n_breaks, rebuilt), initial=0)):
            raise AssertionError("the totals of line terminators are wrong")
        smallest = MIN_CHARS if len(rebuilt) > 1 else 1
        if not all(smallest <= chunk.n_chars <= MAX_CHARS for chunk in rebuilt):
            raise AssertionError("a chunk is too small or too large")
        if any(splits_crlf(before.text, after.text) for before, after in pairwise(rebuilt)):
            raise AssertionError("a chunk boundary stands inside a CRLF")

    def _check_line(self, line: int) -> None:
        if not 0 <= line < self.n_lines:
            raise PositionError(f"There is no line {line} (from 0) in a text of {self.n_lines} lines.")

    def _index(self, offset: int) -> int:
        """The chunk that holds the character at an offset; for the end of the text, the last chunk."""
        return min(bisect_right(self._starts, offset), len(self._chunks)) - 1

    def _with_chunks(self, first: int, stop: int, fresh: tuple[Chunk, ...]) -> Text:
        """This text with the chunks from first to before stop replaced."""
        rest = fresh + self._chunks[stop:]
        starts = accumulate(map(_n_chars, rest), initial=self._starts[first])
        breaks = accumulate(map(_n_breaks, rest), initial=self._breaks[first])
        return Text(
            self._chunks[:first] + rest,
            (*self._starts[:first], *starts),
            (*self._breaks[:first], *breaks),
        )
