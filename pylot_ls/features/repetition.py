"""Text that a model repeats because it has lost the thread. Pure."""

from __future__ import annotations

_MIN_REPEATS = 4
# Shorter runs are code: rulers in comments, rows of zeros, nested brackets.
_MIN_CHARACTERS = 24


def repeats(text: str) -> bool:
    """Whether the text ends with the same few characters again and again, as in ``b, b, b, b, b, b, b, b,``."""
    longest_period = len(text) // _MIN_REPEATS
    return any(_ends_with_period(text, period) for period in range(1, longest_period + 1))


def _ends_with_period(text: str, period: int) -> bool:
    """Whether the end of the text, long enough to tell, equals itself moved by the period."""
    length = max(_MIN_REPEATS * period, _MIN_CHARACTERS)
    end = text[-length:]
    return len(end) == length and end[period:] == end[:-period]
