"""One request in work: what of it is evaluated, what it said, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.engine.kv_context import Part
from pylot_ls.engine.scheduler import Task
from pylot_ls.engine.streaming import TextStream
from pylot_ls.engine.types import Usage

if TYPE_CHECKING:
    from pylot_ls.engine.inbox import Job
    from pylot_ls.engine.rendering import Tokens
    from pylot_ls.engine.sequences import Lease


class Generation:
    """The state of a request between batches: it waits, is in work, may be paused and taken up again.

    Args:
        job: the request and whether it was cancelled.

    Attributes:
        tokens: the prompt's and after them the decoded ones; the last decoded one is not evaluated yet. Empty until
            the request is taken into work.
        lease: the sequence that it uses, None while it waits.
        n_stored: how many of its tokens have their KV in the sequence, while it waits: had it at the end.
        stream: what it says.
        paused_at: how many requests had ended when it was paused last; -1 when it never was.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.tokens: list[int] = []
        self.lease: Lease | None = None
        self.n_stored = 0
        self.stream = TextStream(job.request.stop)
        self.paused_at = -1
        self._n_prompt = 0
        self._n_reused = 0
        self._n_evaluated = 0
        self._queue_ms = 0.0
        self._first_token_ms = 0.0

    @property
    def n_prompt(self) -> int:
        """How many of its tokens are the prompt's."""
        return self._n_prompt

    def restored(self, n_stored: int) -> None:
        """KV of its prompt was put back; it counts as reused."""
        self._n_reused += max(0, n_stored - self.n_stored)
        self.n_stored = n_stored

    @property
    def n_pending(self) -> int:
        """How many of its tokens have no KV yet."""
        return len(self.tokens) - self.n_stored

    @property
    def n_decoded(self) -> int:
        """How many tokens were decoded."""
        return len(self.tokens) - self._n_prompt

    def begin(self, prompt: Tokens) -> None:
        """It is taken into work."""
        self.tokens = list(prompt)
        self._n_prompt = len(prompt)
        self._queue_ms = self.job.elapsed_ms()

    def use(self, lease: Lease) -> None:
        """Go on with what a sequence holds of its tokens."""
        if not self.n_decoded:
            # What it had evaluated itself before it was paused is no reuse.
            self._n_reused += max(0, lease.n_reused - self.n_stored)
        self.lease = lease
        self.n_stored = lease.n_reused

    def leave(self) -> int:
        """Give up the sequence, which is returned.

        Raises:
            ValueError: it uses none.
        """
        if self.lease is None:
            raise ValueError("the request uses no sequence")
        lease, self.lease = self.lease, None
        return lease.seq

    def task(self, number: int) -> Task:
        """As the scheduler sees it."""
        request = self.job.request
        decodes = self.n_decoded > 0 and self.n_pending == 1
        return Task(number, request.session, request.priority, self.n_pending, decodes=decodes)

    def part(self, n_tokens: int) -> Part:
        """Its next tokens for a batch.

        Raises:
            ValueError: it uses no sequence.
        """
        if self.lease is None:
            raise ValueError("the request uses no sequence")
        return Part(self.lease.seq, self.n_stored, self.tokens[self.n_stored : self.n_stored + n_tokens])

    def submitted(self, part: Part) -> None:
        """Count what was evaluated; only what is needed for the first token is the request's own cost."""
        if not self.n_decoded:
            self._n_evaluated += len(part.tokens)

    def decoded(self, token: int) -> None:
        """Add a token."""
        self._first_token_ms = self._first_token_ms or self.job.elapsed_ms()
        self.tokens.append(token)

    def usage(self) -> Usage:
        """What it cost so far."""
        return Usage(
            prompt_tokens=self._n_prompt,
            tokens_reused=self._n_reused,
            tokens_evaluated=self._n_evaluated,
            tokens_decoded=self.n_decoded,
            queue_ms=self._queue_ms if self.tokens else self.job.elapsed_ms(),
            first_token_ms=self._first_token_ms,
            total_ms=self.job.elapsed_ms(),
        )
