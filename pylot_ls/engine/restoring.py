"""Before a prompt is evaluated, what is known of its KV is put back. Runs on the worker's thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pylot_ls.engine.types import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.block_cache import BlockCache
    from pylot_ls.engine.generation import Generation
    from pylot_ls.engine.inbox import Job
    from pylot_ls.engine.loading import Loaded

# Fewer tokens are evaluated sooner than they are looked up.
_WORTH_RESTORING = 64
# A keystroke waits so long for the disk, and again as long as something came of it. A key that is not there is known
# within a fraction of a millisecond.
_WAIT_S = 0.02


class Restoring:
    """Puts back what memory has of long prompts, and has what is on disk brought to memory.

    A keystroke's prompt waits for the disk a moment before its first chunk; any other is evaluated meanwhile, and what
    has come to memory is put back between its chunks.

    Args:
        loaded: the model and its context.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        # Set when all that is on disk of a prompt is in memory.
        self._arrived: WeakKeyDictionary[Generation, threading.Event] = WeakKeyDictionary()

    def restore(self, active: Sequence[Generation], tokens_per_s: float) -> None:
        """Do so for the requests in work.

        Args:
            active: these.
            tokens_per_s: the measured rate of prompts, 0.0 before it is known.
        """
        cache = self._loaded.cache()
        if cache is None:
            return
        for generation in active:
            if _put_back(cache, generation) and generation not in self._arrived:
                arrived = self._arrived[generation] = threading.Event()
                cache.expect(generation.tokens, arrived.set, generation.job.request.salt)
                if generation.job.request.priority is Priority.KEYSTROKE:
                    self._wait(cache, generation, tokens_per_s)

    def _wait(self, cache: BlockCache, generation: Generation, tokens_per_s: float) -> None:
        def goes_on() -> bool:
            n_before = generation.n_stored
            return _put_back(cache, generation) and generation.n_stored > n_before

        # Never longer than evaluating it would take.
        longest_s = generation.n_pending / tokens_per_s if tokens_per_s else _WAIT_S
        wait_for_disk(self._arrived[generation], generation.job, goes_on, longest_s)


def wait_for_disk(arrived: threading.Event, job: Job, goes_on: Callable[[], bool], longest_s: float = _WAIT_S) -> None:
    """Wait a moment for what is on disk of a prompt, and again as long as something came of it.

    Args:
        arrived: set when all of it is in memory.
        job: whose prompt it is; nobody waits for one that is cancelled.
        goes_on: called after each moment; whether something has come, and more is wanted.
        longest_s: the longest moment.
    """
    is_waited_for = True
    while is_waited_for and not job.cancelled:
        has_arrived = arrived.wait(min(_WAIT_S, longest_s))
        is_waited_for = goes_on() and not has_arrived


def _put_back(cache: BlockCache, generation: Generation) -> bool:
    """Put back what is in memory of a request's prompt; whether much of it is missing all the same."""
    if generation.lease is None or generation.n_decoded or generation.n_pending < _WORTH_RESTORING:
        return False
    generation.restored(cache.restore(generation.lease.seq, generation.tokens, generation.n_stored))
    return generation.n_pending >= _WORTH_RESTORING
