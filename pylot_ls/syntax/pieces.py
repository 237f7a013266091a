"""A text as tree-sitter reads it, piece by piece, with every piece given back.

tree-sitter (0.26) keeps a reference to each piece that its callback returns, so that all that was ever read would stay
in memory: a gigabyte and more in a week of typing. Reading from one bytestring has no such fault, and no way to stop.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Point

_PIECE_BYTES = 8192
# The list, the loop's variable and the argument of getrefcount.
_OWN_REFERENCES = 3

_let_go = ctypes.pythonapi.Py_DecRef
_let_go.argtypes = [ctypes.py_object]
_let_go.restype = None


class Pieces:
    """Reads a text for a parser.

    Args:
        source: the text.
    """

    def __init__(self, source: bytes) -> None:
        self._source = memoryview(source)
        self._given: list[bytes] = []

    def read(self, offset: int, _point: Point) -> bytes:
        """What begins at an offset: an object that nobody else has."""
        piece = bytes(self._source[offset : offset + _PIECE_BYTES])
        self._given.append(piece)
        return piece

    def release(self) -> None:
        """The parse is over: give back the references that were kept. Where none were, this does nothing."""
        if not getattr(sys, "_is_gil_enabled", lambda: True)():
            self._given.clear()  # references are counted otherwise there
        for piece in self._given:
            # Of the empty one, which Python has once for all, there are more.
            if sys.getrefcount(piece) == _OWN_REFERENCES + 1:
                _let_go(piece)
        self._given.clear()
