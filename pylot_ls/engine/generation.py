"""One request in work: what of it is evaluated, what it said, what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.engine.kv_context import Part
from pylot_ls.engine.scheduler import Task
from pylot_ls.engine.streaming import TextStream
from pylot_ls.engine.types import Usage

if TYPE_CHECKING:
    from pylot_ls.engine.inbox import Job
    from pylot_ls.engine.rendering import Tokens
    from pylot_ls.engine.sequences import Lease


@dataclass(slots=True, eq=False)
class Generation:
    """The state of a request between batches.

    Attributes:
        job: the request and whether it was cancelled.
        prompt: its tokens.
        lease: the sequence that it uses.
        n_stored: tokens of it, prompt and decoded ones, whose KV is in the sequence.
        decoded: the tokens decoded so far; the last one is not evaluated yet.
    """

    job: Job
    prompt: Tokens
    lease: Lease
    queue_ms: float
    stream: TextStream
    n_stored: int
    n_evaluated: int = 0
    first_token_ms: float = 0.0
    decoded: list[int] = field(default_factory=list)

    @classmethod
    def begin(cls, job: Job, prompt: Tokens, lease: Lease) -> Generation:
        """A request that is about to be evaluated."""
        return cls(job, prompt, lease, job.elapsed_ms(), TextStream(job.request.stop), lease.n_reused)

    @property
    def prompt_is_done(self) -> bool:
        """Whether all of the prompt is in KV."""
        return self.n_stored >= len(self.prompt)

    def task(self, number: int) -> Task:
        """As the scheduler sees it."""
        request = self.job.request
        n_pending = len(self.prompt) + len(self.decoded) - self.n_stored
        return Task(number, request.session, request.priority, n_pending, decodes=bool(self.decoded))

    def part(self, n_tokens: int) -> Part:
        """Its next tokens for a batch."""
        if self.decoded:
            return Part(self.lease.seq, self.n_stored, self.decoded[-1:])
        return Part(self.lease.seq, self.n_stored, self.prompt[self.n_stored : self.n_stored + n_tokens])

    def submitted(self, part: Part) -> None:
        """Count what goes into a batch; only what is needed for the first token is the request's own cost."""
        if not self.decoded:
            self.n_evaluated += len(part.tokens)

    def usage(self) -> Usage:
        """What it cost so far."""
        return Usage(
            prompt_tokens=len(self.prompt),
            tokens_reused=self.lease.n_reused,
            tokens_evaluated=self.n_evaluated,
            tokens_decoded=len(self.decoded),
            queue_ms=self.queue_ms,
            first_token_ms=self.first_token_ms,
            total_ms=self.job.elapsed_ms(),
        )
