"""Watches the process that started the server, so that no server outlives a killed editor."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


def can_be_watched(pid: int, *, is_alive: Callable[[int], bool]) -> bool:
    """Say whether the process is visible from here.

    A client that has just sent its process id is alive, so if the id is of no living process, the client runs where
    its processes are not to be seen (in another container, on another machine), and the end of stdin has to do.
    """
    if pid > 0 and is_alive(pid):
        return True
    _log.info("The client's process %d is not visible from here and is not watched.", pid)
    return False


async def wait_for_death(pid: int, *, is_alive: Callable[[int], bool], interval_s: float) -> None:
    """Return once the process is gone.

    Args:
        pid: as ``initialize`` gives it.
        is_alive: asked on the event loop, so it must answer at once.
        interval_s: the time between two looks.
    """
    while is_alive(pid):  # noqa: ASYNC110 no event tells of the death of a process that is no child
        await asyncio.sleep(interval_s)
