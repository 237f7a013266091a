"""Shorter forms of a suggestion that are worth showing. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(r"\w+|[^\w\s]")
# Behind these something is missing.
_DANGLING = re.compile(r"[\s.,=+\-*/%<>&|^~!?@:\\([{]+\Z")
_WORD = re.compile(r"\w")


def shorter(text: str) -> Iterator[str]:
    """The text without its last line, its last two lines and so on, then its first line without its last tokens.

    The longest first; what ends in an operator or holds no word is left out.
    """
    lines = text.split("\n")
    seen = {text}
    for n_lines in range(len(lines) - 1, 0, -1):
        yield from _sensible("\n".join(lines[:n_lines]), seen)
    starts = [token.start() for token in _TOKEN.finditer(lines[0])]
    for start in reversed(starts):
        yield from _sensible(lines[0][:start], seen)


def _sensible(cut: str, seen: set[str]) -> Iterator[str]:
    left = _DANGLING.sub("", cut)
    if left not in seen and _WORD.search(left):
        seen.add(left)
        yield left
