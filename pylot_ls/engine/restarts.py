"""How soon a process that ended unexpectedly is started again: at once, and later each time it goes on ending. Pure."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What ended longer ago says nothing about now.
_WINDOW_S = 600.0
_LONGEST_PAUSE_S = 300.0


class Restarts:
    """Counts the ends.

    Args:
        now: seconds on a clock that only goes forward.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ends_s: list[float] = []

    @property
    def n_recent(self) -> int:
        """How often it has ended lately."""
        return len(self._ends_s)

    def ended(self) -> float:
        """It has ended: after so many seconds it may be started again. 0, 1, 2, 4, ..., at most five minutes."""
        now = self._now()
        self._ends_s = [*(each for each in self._ends_s if now - each < _WINDOW_S), now]
        return min(2.0 ** (self.n_recent - 2), _LONGEST_PAUSE_S) if self.n_recent > 1 else 0.0


def how_it_ended(returncode: int) -> str:
    """A process's end in words, from what ``subprocess`` has of it: the signal where there was one."""
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
    return f"{name}, as when memory runs out" if name == "SIGKILL" else name
