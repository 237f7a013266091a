"""One request in work: what of it is evaluated, what it said, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.engine.kv_context import Part
from pylot_ls.engine.scheduler import Task
from pylot_ls.engine.speculation import Draft, Lookup
from pylot_ls.engine.streaming import TextStream
from pylot_ls.engine.types import Usage

if TYPE_CHECKING:
    from pylot_ls.engine.grammar_sampler import GrammarSampler
    from pylot_ls.engine.healing import Healing
    from pylot_ls.engine.inbox import Job
    from pylot_ls.engine.ngrams import Matcher
    from pylot_ls.engine.rendering import Tokens
    from pylot_ls.engine.sampler import Sampler
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
        healing: what its first decoded tokens have to agree with; None where that is nothing.
        draft: what may follow its tokens.
        lookup: where drafts are looked up.
        matcher: what is known of other texts; None where only the model counts.
        grammar: what its tokens have to follow; None where they may be any.
        sampler: draws its tokens; None where they are the most probable ones.
        fallback: with which of the request's prompts it is served.
        stops: how many of its tokens are stored where its evaluation has to stop on the way, in order.
        paused_at: how many requests had ended when it was paused last; -1 when it never was.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.tokens: list[int] = []
        self.lease: Lease | None = None
        self.n_stored = 0
        self.stream = TextStream(job.request.stop)
        self.fallback = 0
        self.stops: tuple[int, ...] = ()
        self.paused_at = -1
        self.healing: Healing | None = None
        self._n_prompt = 0
        self.draft = Draft()
        self.lookup = Lookup()
        self.matcher: Matcher | None = None
        self.grammar: GrammarSampler | None = None
        self.sampler: Sampler | None = None
        self._n_checked = 0
        self._n_respelt = 0
        self._n_drafted = 0
        self._n_drafts = 0
        self._n_evaluations = 0
        self._evaluations_share = 0.0
        self._n_accepted = 0
        self._n_reused = 0
        self._n_evaluated = 0
        self._queue_ms = 0.0
        self._first_token_ms = 0.0

    @property
    def n_prompt(self) -> int:
        """How many of its tokens are the prompt's."""
        return self._n_prompt

    @property
    def n_certain(self) -> int | None:
        """How many of its tokens are no guess; None where all of them are none."""
        return self._n_reused if self.job.request.looks_ahead else None

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

    @property
    def n_left(self) -> int:
        """How many tokens it may still decode; those that repeat the prompt's end do not count."""
        return self.job.request.max_tokens + self._n_respelt - self.n_decoded

    @property
    def is_healing(self) -> bool:
        """Whether the next token has to agree with the prompt's end."""
        return self.healing is not None and not self.healing.is_complete

    def begin(self, prompt: Tokens, healing: Healing | None = None) -> None:
        """It is taken into work; what is healed of the prompt is decoded anew."""
        self.healing = healing
        self.tokens = list(prompt[: len(prompt) - (healing.n_tokens if healing else 0)])
        self._n_prompt = len(self.tokens)
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
        n_tokens = self.n_pending + (self._n_checked if decodes else 0)
        n_tokens = next((stop - self.n_stored for stop in self.stops if stop > self.n_stored), n_tokens)
        return Task(number, request.session, request.priority, n_tokens, decodes=decodes)

    def part(self, n_tokens: int) -> Part:
        """Its next tokens for a batch, with what is drafted where they are more than there are.

        Raises:
            ValueError: it uses no sequence.
        """
        if self.lease is None:
            raise ValueError("the request uses no sequence")
        tokens = self.tokens[self.n_stored : self.n_stored + n_tokens]
        drafted = self.draft.tokens[: n_tokens - len(tokens)]
        return Part(self.lease.seq, self.n_stored, [*tokens, *drafted], 1 + len(drafted))

    def submitted(self, part: Part, n_parts: int) -> None:
        """Count what was evaluated; only what is needed for the first token is the request's own cost.

        ``n_parts``: how many requests shared the evaluation.
        """
        self._n_evaluations += 1
        self._evaluations_share += 1 / n_parts
        if not self.n_decoded:
            self._n_evaluated += len(part.tokens)

    def take(self, token: int, piece: bytes) -> bytes:
        """Add a decoded token; what of its bytes is new, which is nothing while it repeats the prompt's end."""
        self._first_token_ms = self._first_token_ms or self.job.elapsed_ms()
        self.tokens.append(token)
        if not self.is_healing or self.healing is None:
            return piece
        new = self.healing.feed(piece)
        # They replace tokens of the prompt, for which there was room; more of them are on the suggestion's account.
        self._n_respelt += not new and self._n_respelt < self.healing.n_tokens
        return new

    def check(self, draft: Draft, n_tokens: int) -> None:
        """Check so many tokens of a draft with the next evaluation."""
        self.draft, self._n_checked = draft, n_tokens

    def checked(self, n_drafted: int, n_accepted: int) -> None:
        """So many drafted tokens were evaluated, and so many of them are its next ones."""
        self._n_drafts += 1
        self._n_drafted += n_drafted
        self._n_accepted += n_accepted
        self.n_stored -= n_drafted - n_accepted

    def close(self) -> None:
        """Free what it holds beside its sequence."""
        if self.grammar is not None:
            self.grammar.close()
            self.grammar = None

    def usage(self) -> Usage:
        """What it cost so far."""
        return Usage(
            prompt_tokens=self._n_prompt,
            tokens_reused=self._n_reused,
            tokens_evaluated=self._n_evaluated,
            tokens_decoded=self.n_decoded,
            tokens_drafted=self._n_drafted,
            tokens_accepted=self._n_accepted,
            fallback=self.fallback,
            queue_ms=self._queue_ms if self.tokens else self.job.elapsed_ms(),
            first_token_ms=self._first_token_ms,
            total_ms=self.job.elapsed_ms(),
            drafts=self._n_drafts,
            evaluations=self._n_evaluations,
            evaluations_share=self._evaluations_share,
        )
