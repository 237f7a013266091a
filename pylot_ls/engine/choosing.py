"""Which of a request's prompts it is served with: the largest for which there is time. Runs on the worker's thread.

On a slow machine a whole prompt takes many seconds where nothing of it is known: in a file just opened, after a far
jump. A request may then carry smaller prompts that ask the same, and a time by which somebody wants an answer.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.engine.restoring import wait_for_disk

if TYPE_CHECKING:
    from pylot_ls.engine.inbox import Job
    from pylot_ls.engine.loading import Loaded
    from pylot_ls.engine.rendering import Tokens

# A prompt is ready when no more than this is left to evaluate: what is typed in one go, or what is evaluated in a
# moment. While one is, no larger one is begun on a keystroke's account.
_READY_TOKENS = 8
_READY_S = 0.1
# Of the time that is left a prompt may take so much by the measured rate, which is an average.
_SHARE_OF_TIME = 0.85


@dataclass(frozen=True, slots=True)
class _Candidate:
    number: int
    tokens: Tokens
    n_pending: int


class Choosing:
    """Chooses by what is resident, in memory or on disk of each prompt, and by the measured rate.

    Args:
        loaded: the model and its context.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def choose(self, job: Job, tokens_per_s: float) -> tuple[int, Tokens]:
        """The number of the prompt among the request's ``prompts``, and its tokens.

        Args:
            job: the request.
            tokens_per_s: the measured rate of prompts; 0.0 before it is known, when the prompt itself is taken.

        Raises:
            ModelUnsupportedError: a prompt has a marker that the model lacks.
        """
        whole = self._candidate(job, 0)
        n_ready = max(_READY_TOKENS, int(tokens_per_s * _READY_S))
        has_choice = bool(job.request.fallbacks) and math.isfinite(job.request.budget_ms) and tokens_per_s > 0
        if not has_choice or whole.n_pending <= n_ready:
            return 0, whole.tokens
        smaller = [self._candidate(job, number) for number in range(1, len(job.request.prompts))]
        ready = next((each for each in smaller if each.n_pending <= n_ready), None)
        if ready is not None:
            return ready.number, ready.tokens
        whole = self._with_what_is_kept(job, whole)
        seconds = (job.request.budget_ms - job.elapsed_ms()) / 1000 * _SHARE_OF_TIME
        candidates = (whole, *smaller)
        fastest = min(candidates, key=lambda each: each.n_pending)
        chosen = next((each for each in candidates if each.n_pending <= tokens_per_s * seconds), fastest)
        return chosen.number, chosen.tokens

    def _candidate(self, job: Job, number: int) -> _Candidate:
        tokens = self._loaded.renderer.render(job.request.prompts[number])
        return _Candidate(number, tokens, len(tokens) - self._loaded.sequences.resident(tokens, job.request.salt))

    def _with_what_is_kept(self, job: Job, whole: _Candidate) -> _Candidate:
        """The prompt itself, when what is kept of it is not evaluated; its KV comes from disk to memory."""
        cache = self._loaded.cache()
        if cache is None:
            return whole
        n_known = len(whole.tokens) - whole.n_pending

        def goes_on() -> bool:
            nonlocal n_known
            n_before, n_known = n_known, cache.reaches(whole.tokens, n_known, job.request.salt)
            return n_known > n_before

        arrived = threading.Event()
        cache.expect(whole.tokens, arrived.set, job.request.salt)
        wait_for_disk(arrived, job, goes_on)
        return replace(whole, n_pending=len(whole.tokens) - n_known)
