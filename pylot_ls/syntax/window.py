"""The part of a text that is parsed: at most so much around the cursor, cut at line starts. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Half of what a parse may see at most. What stands further off hardly changes an answer, but an open bracket or quote
# makes a parse of all behind it, which then takes three times as long.
BEFORE_BYTES = 24 * 1024
AFTER_BYTES = 8 * 1024

# Where a definition begins, nothing before it is still open: most often no string and no comment.
_FRESH_START = re.compile(r"(?<=\n\n)[A-Za-z@]")


@dataclass(frozen=True, slots=True)
class Window:
    r"""The text around a cursor.

    Attributes:
        before, after: line terminators are ``\n``.
    """

    before: str
    after: str

    @classmethod
    def around(cls, before: str, after: str, *, is_whole: bool = True) -> Window | None:
        r"""The window in a text whose line terminators are ``\n``; None where the cursor's line alone is too long.

        ``is_whole``: whether ``before`` begins where the document does.
        """
        kept_before = _last_lines(before, BEFORE_BYTES)
        kept_after = _first_lines(after, AFTER_BYTES)
        if kept_before is None or kept_after is None:
            return None
        if not is_whole or len(kept_before) < len(before):
            kept_before = _from_fresh_start(kept_before)
        return cls(kept_before, kept_after)


def encode(text: str) -> bytes:
    """The text as it is parsed: a lone surrogate, which no UTF-8 can hold, is a question mark."""
    return text.encode("utf-8", errors="replace")


def _last_lines(text: str, most_bytes: int) -> str | None:
    # A character takes a byte or more: what lies further off need not be encoded.
    near = encode(text[-most_bytes - 1 :])
    if len(near) <= most_bytes:
        return text
    start = near.find(b"\n", len(near) - most_bytes - 1)
    return None if start < 0 else near[start + 1 :].decode("utf-8")


def _first_lines(text: str, most_bytes: int) -> str | None:
    near = encode(text[: most_bytes + 1])
    if len(near) <= most_bytes:
        return text
    end = near.rfind(b"\n", 0, most_bytes)
    return None if end < 0 else near[: end + 1].decode("utf-8")


def _from_fresh_start(before: str) -> str:
    """Without the first part of the text, as far as that ends in what could be left open: a quarter at most."""
    found = _FRESH_START.search(before, 0, len(before) // 4)
    return before[found.start() :] if found else before
