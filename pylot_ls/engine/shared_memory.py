"""The memory of a process with several models: who comes later may take the place of who was used least recently."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pylot_ls.engine.memory import features, room_now
from pylot_ls.engine.memory_plan import plan_memory
from pylot_ls.errors import ModelTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pylot_ls.engine.dimensions import Dimensions
    from pylot_ls.engine.memory_plan import MemoryPlan, Room, Wishes

# How long one that is being loaded is waited for before it is asked again whether that is still wanted.
_PAUSE_S = 0.1


class Holder(Protocol):
    """A model that has memory, or will have.

    Attributes:
        used_at: ``time.monotonic`` seconds of its last request.
        is_loaded: whether it can be unloaded.
        is_busy: whether requests are in flight.
    """

    used_at: float

    @property
    def is_loaded(self) -> bool:
        """See the class."""

    @property
    def is_busy(self) -> bool:
        """See the class."""

    def unload(self) -> None:
        """Give the memory back; returns when requests in flight have finished and that is done."""


@dataclass(frozen=True, slots=True)
class _Share:
    model: Path
    plan: MemoryPlan


class SharedMemory:
    """Keeps the books. Any thread may use it.

    Args:
        limit_bytes: what the user allows all models together; None where he leaves it to us.
        measure: what there is, given the limit and what is taken.
    """

    def __init__(self, limit_bytes: int | None = None, measure: Callable[[int | None, int], Room] = room_now) -> None:
        self._limit_bytes = limit_bytes
        self._measure = measure
        self._changed = threading.Condition()
        self._shares: dict[Holder, _Share] = {}
        # Two that make room at the same time would each count on what the other takes.
        self._planning = threading.Lock()

    def of(self, holder: Holder) -> HoldersMemory:
        """The memory as one model sees it."""
        return HoldersMemory(self, holder)

    def release(self, holder: Holder) -> None:
        """A model is gone, or was never loaded."""
        with self._changed:
            self._shares.pop(holder, None)
            self._changed.notify_all()

    def settled(self) -> None:
        """A model has been loaded: it can be unloaded now."""
        with self._changed:
            self._changed.notify_all()

    def plan(
        self, holder: Holder, model: Path, dimensions: Dimensions, wishes: Wishes, is_wanted: Callable[[], bool]
    ) -> MemoryPlan:
        """See ``Memory``. Others are unloaded only where the model has room once they are."""
        with self._planning:
            self.release(holder)
            plan_memory(dimensions, wishes, self._room_alone())
            while True:
                try:
                    plan = plan_memory(dimensions, wishes, self.room(model), features())
                except ModelTooLargeError:
                    if not (is_wanted() and self._make_room()):
                        raise
                    continue
                with self._changed:
                    self._shares[holder] = _Share(model, plan)
                return plan

    def room(self, model: Path | None = None) -> Room:
        """What there is beside the models that are here; weights of the same file are there once."""
        with self._changed:
            taken = sum(
                share.plan.needed_bytes - (share.plan.footprint.weights if share.model == model else 0)
                for share in self._shares.values()
            )
        return self._measure(self._limit_bytes, taken)

    def _room_alone(self) -> Room:
        room = self.room()
        return replace(room, taken_bytes=0, free_bytes=room.free_bytes + room.taken_bytes)

    def _make_room(self) -> bool:
        """Unload one, or wait until one can be; False when there is none."""
        with self._changed:
            others = list(self._shares)
            if not others:
                return False
            loaded = [each for each in others if each.is_loaded]
            if not loaded:
                self._changed.wait(_PAUSE_S)
                return True
        min(loaded, key=lambda each: (each.is_busy, each.used_at)).unload()
        return True


class HoldersMemory:
    """See ``Memory``: the share of one model."""

    def __init__(self, shared: SharedMemory, holder: Holder) -> None:
        self._shared = shared
        self._holder = holder

    def plan(self, model: Path, dimensions: Dimensions, wishes: Wishes, is_wanted: Callable[[], bool]) -> MemoryPlan:
        """See ``Memory``."""
        return self._shared.plan(self._holder, model, dimensions, wishes, is_wanted)

    def room(self) -> Room:
        """See ``Memory``."""
        return self._shared.room()
