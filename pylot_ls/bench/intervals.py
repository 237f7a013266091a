"""How far figures over a sample can be trusted: percentile bootstrap (Efron 1979). Pure and repeatable."""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Unit = TypeVar("Unit")
Interval = tuple[float, float]

LEVEL = 0.95
_N_RESAMPLES = 1000
_FEWEST_UNITS = 2
# Of this many equal parts the first and the last lie outside of the interval.
_N_PARTS = 40


def bootstrap(
    units: Sequence[Unit],
    figures: Callable[[Sequence[Unit]], Mapping[str, float | None]],
    seed: int,
) -> dict[str, Interval | None]:
    """The 95 % intervals of figures over independent units: each figure's low and high end.

    None for all with fewer than two units, and for a figure that one of 40 resamples does not have.

    Args:
        units: what was sampled.
        figures: what is wanted to be known of a sample.
        seed: of the resampling.
    """
    names = figures(units).keys()
    if len(units) < _FEWEST_UNITS:
        return dict.fromkeys(names)
    chooser = random.Random(seed)  # noqa: S311 - repeatable, not secret
    resamples = [figures(chooser.choices(units, k=len(units))) for _ in range(_N_RESAMPLES)]
    return {name: _interval([resample[name] for resample in resamples]) for name in names}


def _interval(values: list[float | None]) -> Interval | None:
    known = [value for value in values if value is not None]
    if (len(values) - len(known)) * _N_PARTS >= len(values):
        return None
    cuts = statistics.quantiles(known, n=_N_PARTS, method="inclusive")
    return cuts[0], cuts[-1]
