"""What would be shown and kept if suggestions below a confidence were hidden. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylot_ls.bench.scores import Question

_THRESHOLDS = [step / 100 for step in range(101)]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Sums at each threshold 0.00, 0.01 ... 1.00; those of two parts added are those of the whole.

    At a threshold a suggestion counts whose confidence is not below it. Its accepted characters are those of the one
    run that was made, in which all suggestions were shown: had it been hidden, a later one might have brought part of
    them, so ``n_kept`` is what is kept at least.

    Attributes:
        n_characters: typed in all.
        n_kept, n_shown, n_right: as in ``Tally``, one for each threshold.
    """

    n_characters: int
    n_kept: tuple[int, ...]
    n_shown: tuple[int, ...]
    n_right: tuple[int, ...]

    @classmethod
    def of(cls, n_characters: int, questions: Iterable[Question]) -> Sweep:
        """The sums over the questions of what has so many characters; without a confidence a suggestion has 0."""
        kept, shown, right = ([0] * len(_THRESHOLDS) for _ in range(3))
        for each in questions:
            if each.is_shown:
                step = bisect_right(_THRESHOLDS, each.confidence or 0.0) - 1
                kept[step] += each.n_kept
                shown[step] += 1
                right[step] += each.is_right
        return cls(n_characters, *(_from_above(sums) for sums in (kept, shown, right)))

    @classmethod
    def total(cls, sweeps: Iterable[Sweep]) -> Sweep:
        """The sum of several; there must be one."""
        parts = list(sweeps)
        columns = ([part.n_kept for part in parts], [part.n_shown for part in parts], [part.n_right for part in parts])
        return cls(
            sum(part.n_characters for part in parts),
            *(tuple(map(sum, zip(*column, strict=True))) for column in columns),
        )

    def wrong_at(self, kept: float) -> tuple[float, float] | None:
        """The highest threshold at which still so large a share is kept, and the share of wrong ones shown there.

        None where less is kept at every threshold, or nothing is shown.
        """
        for step, threshold in reversed(list(enumerate(_THRESHOLDS))):
            if self.n_shown[step] and self.n_kept[step] >= kept * self.n_characters:
                return threshold, (self.n_shown[step] - self.n_right[step]) / self.n_shown[step]
        return None


def _from_above(sums: list[int]) -> tuple[int, ...]:
    """Of each step the sum of it and all above."""
    totals = sums.copy()
    for step in reversed(range(len(totals) - 1)):
        totals[step] += totals[step + 1]
    return tuple(totals)
