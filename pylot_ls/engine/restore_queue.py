"""Requests for which nothing is evaluated: what is known of their prompts' KV is put back, before somebody needs it.

Runs on the worker's thread. They come one after the other and a piece at a time, only while there is nothing else to
do, and only into room that is free: whoever types is never worse off for them.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from pylot_ls.engine.failure import failed
from pylot_ls.engine.types import Finished, FinishReason, Usage

if TYPE_CHECKING:
    from pylot_ls.engine.backend import RequestSink
    from pylot_ls.engine.block_cache import BlockCache
    from pylot_ls.engine.inbox import Inbox, Job
    from pylot_ls.engine.loading import Loaded
    from pylot_ls.engine.rendering import Tokens
    from pylot_ls.engine.types import Failed


class RestoreQueue:
    """Serves the requests with ``restore_only``.

    Args:
        inbox: is woken when the next thing can be done.
        sink: where events go.
        loaded: the model and its context.
    """

    def __init__(self, inbox: Inbox, sink: RequestSink, loaded: Loaded) -> None:
        self._inbox = inbox
        self._sink = sink
        self._loaded = loaded
        self._jobs: deque[Job] = deque()
        # Of the first one: its prompt once it has begun, whether the disk was read for it, how much was put back.
        self._tokens: Tokens = ()
        self._arrived = threading.Event()
        self._n_restored = 0
        if loaded.persistence is not None:
            loaded.persistence.when_settled(inbox.wake)

    @property
    def is_ready(self) -> bool:
        """Whether something can be done now."""
        if any(job.cancelled for job in self._jobs):
            return True
        return bool(self._jobs) and (self._arrived.is_set() if self._tokens else self._is_settled)

    @property
    def _is_settled(self) -> bool:
        """Whether it is known if anything is kept at all."""
        return self._loaded.persistence is None or self._loaded.persistence.is_settled

    def add(self, job: Job) -> None:
        """Take a request."""
        self._jobs.append(job)

    def end_cancelled(self) -> None:
        """End the requests that were cancelled."""
        for job in [each for each in self._jobs if each.cancelled]:
            self._end(job, Finished(job.request.request_id, FinishReason.CANCELLED, "", self._usage(job)))

    def step(self) -> None:
        """Do what can be done now, a few milliseconds of it."""
        self.end_cancelled()
        if not self.is_ready:
            return
        job, cache = self._jobs[0], self._loaded.cache()
        try:
            if cache is not None and self._goes_on(cache, job):
                return
        except Exception as error:  # noqa: BLE001 - the other requests must go on
            self._end(job, failed(job.request.request_id, error))
            return
        self._end(job, Finished(job.request.request_id, FinishReason.LENGTH, "", self._usage(job)))

    def _goes_on(self, cache: BlockCache, job: Job) -> bool:
        if self._tokens:
            return self._put_one_back(cache, job.request.salt)
        self._tokens = self._loaded.renderer.render(job.request.prompt)
        # It may come late, when the next request is first.
        arrived = self._arrived = threading.Event()

        def done() -> None:
            arrived.set()
            self._inbox.wake()

        if self._tokens:
            cache.expect(self._tokens, done, job.request.salt)
        return bool(self._tokens)

    def _put_one_back(self, cache: BlockCache, salt: str) -> bool:
        """Put the next piece back; False when there is none, or when somebody would lose something by it."""
        tokens, sequences = self._tokens, self._loaded.sequences
        piece = cache.next_piece(tokens, sequences.resident(tokens, salt), salt)
        if piece is None or sequences.would_cut(tokens[:-1], salt) or not sequences.has_room(piece[1] - piece[0]):
            return False
        lease = sequences.acquire(tokens, salt=salt)
        cache.began(lease.seq)
        try:
            n_stored = cache.restore(lease.seq, tokens, lease.n_reused, n_pieces=1)
        finally:
            # What is not in use now may be taken up, or evicted, by any request that comes between two pieces.
            sequences.release(lease.seq)
        self._n_restored += n_stored - lease.n_reused
        return n_stored > lease.n_reused

    def _usage(self, job: Job) -> Usage:
        is_first = job is self._jobs[0]
        return Usage(
            prompt_tokens=len(self._tokens) if is_first else 0,
            tokens_reused=self._n_restored if is_first else 0,
            queue_ms=job.elapsed_ms(),
            total_ms=job.elapsed_ms(),
        )

    def _end(self, job: Job, event: Finished | Failed) -> None:
        if job is self._jobs[0]:
            self._tokens, self._n_restored = (), 0
        self._jobs.remove(job)
        self._inbox.forget(job)
        self._sink(event)
