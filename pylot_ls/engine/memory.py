"""The machine's memory as a model that is to be loaded finds it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from pylot_ls import machine
from pylot_ls.engine.dimensions import dimensions_of_header
from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.memory_plan import MemoryPlan, Room, Wishes, plan_memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.engine.dimensions import Dimensions

_log = logging.getLogger(__name__)


class Memory(Protocol):
    """Gives each model its share."""

    def plan(self, model: Path, dimensions: Dimensions, wishes: Wishes, is_wanted: Callable[[], bool]) -> MemoryPlan:
        """What a model gets. It may wait for others to give way, for as long as ``is_wanted`` says so.

        Raises:
            ModelTooLargeError: nothing fits.
        """

    def room(self) -> Room:
        """What there is for one more model."""


class WholeMachine:
    """The memory of a process with one model.

    Args:
        limit_bytes: what the user allows; None where he leaves it to us.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._limit_bytes = limit_bytes

    def plan(self, model: Path, dimensions: Dimensions, wishes: Wishes, is_wanted: Callable[[], bool]) -> MemoryPlan:
        """See ``Memory``."""
        del model, is_wanted
        return plan_memory(dimensions, wishes, self.room(), features())

    def room(self) -> Room:
        """See ``Memory``."""
        return room_now(self._limit_bytes)


def room_now(limit_bytes: int | None = None, taken_bytes: int = 0) -> Room:
    """What there is now; see ``Room``."""
    # Imported here: it loads the native libraries.
    from pylot_ls.engine.devices import devices  # noqa: PLC0415

    return Room(
        machine.total_memory_bytes(), machine.available_memory_bytes(), limit_bytes, taken_bytes, devices=devices()
    )


def features() -> frozenset[str]:
    """What llama.cpp uses of the processor."""
    from pylot_ls.engine.build_info import build_info  # noqa: PLC0415 - as above

    return frozenset(build_info().features)


def dimensions_of(model: Path) -> Dimensions:
    """The dimensions of a file.

    Raises:
        ModelError: it is no model, or is damaged.
    """
    return dimensions_of_header(read_header(model))
