"""What a campaign is: a goal stated in advance, a run of some size, figures, and a planted fault that it has to find.

Each module ``cNN_*.py`` beside this one holds one campaign under the name ``CAMPAIGN``; nothing else has to know it.
"""

from __future__ import annotations

import importlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pytest

_HERE = Path(__file__).parent
_MOST_NOTES = 5


@dataclass
class Trial:
    """One run of a campaign.

    Attributes:
        size: how much is to be done, in the campaign's own unit.
        seed: of all that is random in it.
        folder: empty, the run's own.
        patch: what is set for the run alone: the environment, and the planted fault.
        is_full: whether it is the full form.
        is_planted: whether a fault is planted, for what runs in other processes.
        figures: what was counted and measured, by name.
        notes: the first faults, in words.
    """

    size: int
    seed: int
    folder: Path
    patch: pytest.MonkeyPatch
    is_full: bool = False
    is_planted: bool = False
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def rounds(self) -> Iterator[int]:
        """Numbers up to the size; where a fault is planted, up to where it was found."""
        for number in range(self.size):
            if self.is_planted and self.notes:
                return
            yield number

    def count(self, name: str, n: int = 1) -> None:
        self.figures[name] = self.figures.get(name, 0) + n

    def fault(self, name: str, what: object) -> None:
        """Count a fault; the first ones are told."""
        self.count(name)
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(f"{name}: {what}")

    def check(self, fine: bool, name: str, what: object) -> None:
        """Count a fault unless all is fine."""
        if not fine:
            self.fault(name, what)


@dataclass(frozen=True)
class Campaign:
    """A goal, and how to see whether it is held.

    Attributes:
        number: its id, which stays.
        goal: as people read it.
        unit: what ``size`` counts; the run counts it under this name.
        short, full: the sizes of the two forms.
        run: does it, and leaves figures in the trial.
        plant: puts a fault into the product that a run of the short form has to find.
        faults: figures that have to be 0 in both forms.
        limits: the largest value of figures that depend on the machine; they count in the full form alone.
    """

    number: int
    title: str
    goal: str
    unit: str
    short: int
    full: int
    run: Callable[[Trial], None]
    plant: Callable[[pytest.MonkeyPatch], None]
    faults: tuple[str, ...]
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """Fixed, so that each run of it is the same."""
        return 1000 + self.number

    def attempt(self, trial: Trial) -> Trial:
        trial.figures |= dict.fromkeys((self.unit, *self.faults), 0)
        if trial.is_planted:
            self.plant(trial.patch)
        self.run(trial)
        return trial

    def is_sound(self, trial: Trial) -> bool:
        """Whether nothing went wrong, however long it took, and all was done that was to be done."""
        return trial.figures[self.unit] >= trial.size and not any(trial.figures[name] for name in self.faults)

    def is_held(self, trial: Trial) -> bool:
        """Whether the goal is reached, its times included."""
        return self.is_sound(trial) and all(trial.figures[name] <= most for name, most in self.limits.items())


@dataclass(frozen=True)
class Result:
    """What the full form of a campaign came to."""

    campaign: Campaign
    figure: str
    held: bool

    def as_json(self) -> dict[str, object]:
        return {"id": self.campaign.number, "goal": self.campaign.goal, "figure": self.figure, "held": self.held}


def described(figures: Mapping[str, float]) -> str:
    """Figures in a line: counts by their name, measures by theirs."""
    return ", ".join(
        f"{value:,} {name}" if isinstance(value, int) else f"{name} {value:.3g}" for name, value in figures.items()
    )


def table(results: Iterable[Result]) -> str:
    """The results as a Markdown table."""
    rows = [
        f"| {each.campaign.number} | {each.campaign.title} | {each.campaign.goal} | {each.figure} "
        f"| {'yes' if each.held else '**no**'} | {each.campaign.seed} |"
        for each in sorted(results, key=lambda each: each.campaign.number)
    ]
    return "\n".join(["| # | campaign | goal | figure | held | seed |", "| --- | --- | --- | --- | --- | --- |", *rows])


def all_campaigns() -> list[Campaign]:
    """Those that are there, by number."""
    names = sorted(path.stem for path in _HERE.glob("c[0-9][0-9]_*.py"))
    return [importlib.import_module(name).CAMPAIGN for name in names]
