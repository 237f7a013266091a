"""Whole numbers between two bounds as an expression of GBNF. Pure."""

from __future__ import annotations

# What a double holds exactly, and no program fails to read.
MOST_DIGITS = 15
_MOST = 10**MOST_DIGITS - 1


def whole_numbers(least: int | None, most: int | None) -> str | None:
    """Alternatives that generate the numbers of at most ``MOST_DIGITS`` digits between two bounds, both included.

    None where there are none.
    """
    low = -_MOST if least is None else max(least, -_MOST)
    high = _MOST if most is None else min(most, _MOST)
    if low > high:
        return None
    parts = []
    if low < 0:
        # A number that is not 0: there is no -0.
        parts.append(f'"-" ({_natural(max(1, -high), -low)})')
    if high >= 0:
        parts.append(_natural(max(0, low), high))
    return " | ".join(parts)


def _natural(low: int, high: int) -> str:
    """The numbers from ``low`` to ``high``, which are 0 or more, by how many digits they have."""
    parts = []
    for n_digits in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 0 if n_digits == 1 else 10 ** (n_digits - 1))
        last = min(high, 10**n_digits - 1)
        parts.append(_between(str(first), str(last)))
    return " | ".join(parts)


def _between(low: str, high: str) -> str:
    """The texts of digits between two of one length."""
    n_behind = len(low) - 1
    if not n_behind:
        return _digit(low, high)
    if low == high:
        return f'"{low}"'
    if low[0] == high[0]:
        return f'"{low[0]}" ({_between(low[1:], high[1:])})'
    zeros, nines = "0" * n_behind, "9" * n_behind
    parts = []
    first, last = int(low[0]), int(high[0])
    if low[1:] != zeros:
        parts.append(f'"{first}" ({_between(low[1:], nines)})')
        first += 1
    if high[1:] != nines:
        last -= 1
    if first <= last:
        parts.append(f"{_digit(str(first), str(last))} [0-9]{{{n_behind}}}")
    if high[1:] != nines:
        parts.append(f'"{high[0]}" ({_between(zeros, high[1:])})')
    return " | ".join(parts)


def _digit(low: str, high: str) -> str:
    return f'"{low}"' if low == high else f"[{low}-{high}]"
