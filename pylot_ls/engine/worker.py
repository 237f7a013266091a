"""The engine's loop, on the one thread that touches llama.cpp: take requests, ask the scheduler, evaluate, deliver."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from pylot_ls.engine.generation import Generation
from pylot_ls.engine.kv_context import Outcome
from pylot_ls.engine.scheduler import Scheduler
from pylot_ls.engine.types import Failed, Finished, FinishReason, Priority, Token, Usage
from pylot_ls.errors import PylotError, RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.engine.backend import EventSink
    from pylot_ls.engine.inbox import Inbox, Job
    from pylot_ls.engine.kv_context import Part
    from pylot_ls.engine.loading import Loaded
    from pylot_ls.engine.types import GenerateRequest

_log = logging.getLogger(__name__)

# The weight of the newest measurement in the rate of prompts.
_RATE_WEIGHT = 0.3
# A smaller batch says little about the rate of prompts.
_SMALLEST_MEASURED = 8
# Somebody types as long as the last keystroke is no older than this.
_TYPING_S = 1.0


class Worker:
    """Serves the requests of an inbox until it is closed.

    Args:
        inbox: where requests come from.
        sink: where events go.
        loaded: the model and its context.
    """

    def __init__(self, inbox: Inbox, sink: EventSink, loaded: Loaded) -> None:
        self._inbox = inbox
        self._sink = sink
        self._loaded = loaded
        self._sequences = loaded.sequences
        self._scheduler = Scheduler(loaded.context.n_batch)
        self._waiting: list[Job] = []
        self._active: list[Generation] = []
        self._tokens_per_s = 0.0
        self._last_keystroke_s = -_TYPING_S

    def run(self) -> None:
        """Serve until the inbox is closed and every request has had its last event."""
        while self._admit():
            self._end_cancelled()
            shares = self._scheduler.decide(
                [generation.task(number) for number, generation in enumerate(self._active)],
                self._tokens_per_s,
                someone_types=time.perf_counter() - self._last_keystroke_s < _TYPING_S,
            )
            if shares:
                batch = [(self._active[share.id], self._active[share.id].part(share.n_tokens)) for share in shares]
                self._evaluate(batch)

    def _admit(self) -> bool:
        """Take in what has come; wait where there is nothing to do. False when there never will be anything."""
        idle = not self._active and not self._waiting
        self._waiting += self._inbox.take(wait=idle)
        self._waiting.sort(key=lambda job: -job.request.priority)  # stable: within a priority in order
        while self._waiting and len(self._active) < self._loaded.max_active:
            self._begin(self._waiting.pop(0))
        return bool(self._active or self._waiting) or not self._inbox.closed

    def _begin(self, job: Job) -> None:
        request = job.request
        if request.priority is Priority.KEYSTROKE:
            self._last_keystroke_s = time.perf_counter()
        if job.cancelled:
            self._finish_job(job, FinishReason.CANCELLED, "", Usage(queue_ms=job.elapsed_ms()))
            return
        try:
            prompt = self._loaded.renderer.render(request.prompt)
            _check_length(len(prompt), request, self._loaded.info.n_ctx)
            lease = self._sequences.acquire(prompt, 1 if request.max_tokens else 0)
        except Exception as error:  # noqa: BLE001 - the other requests must go on
            self._fail_job(job, error)
            return
        generation = Generation.begin(job, prompt, lease)
        self._active.append(generation)
        if generation.prompt_is_done:
            self._finish(generation, FinishReason.LENGTH)

    def _end_cancelled(self) -> None:
        for generation in [each for each in self._active if each.job.cancelled]:
            self._finish(generation, FinishReason.CANCELLED)

    def _evaluate(self, batch: Sequence[tuple[Generation, Part]]) -> None:
        parts = [part for _, part in batch]
        n_tokens = sum(len(part.tokens) for part in parts)
        if not self._sequences.make_room(n_tokens):
            self._give_up_one(batch)
            return
        for generation, part in batch:
            generation.submitted(part)
        began = time.perf_counter()
        self._inbox.begin([generation.job for generation, _ in batch])
        try:
            outcome = self._loaded.context.evaluate(parts)
        except Exception as error:  # noqa: BLE001 - what a failed batch left behind is unknown: its sequences go
            for generation, _ in batch:
                self._fail(generation, error)
            return
        finally:
            self._inbox.end()
        if outcome is Outcome.DONE:
            self._measure(batch, n_tokens, time.perf_counter() - began)
            self._sequences.evaluated(parts)
            self._deliver(batch)
        elif outcome is Outcome.ABORTED:
            self._sequences.aborted(parts)
            for generation, part in batch:
                generation.n_stored = self._sequences.tree.n_tokens(part.seq)
        elif not self._sequences.evict():
            self._give_up_one(batch)

    def _measure(self, batch: Sequence[tuple[Generation, Part]], n_tokens: int, seconds: float) -> None:
        if n_tokens >= _SMALLEST_MEASURED and not any(generation.decoded for generation, _ in batch):
            rate = n_tokens / max(seconds, 1e-6)
            known = self._tokens_per_s or rate
            self._tokens_per_s = known + _RATE_WEIGHT * (rate - known)

    def _deliver(self, batch: Sequence[tuple[Generation, Part]]) -> None:
        index = -1
        for generation, part in batch:
            index += len(part.tokens)
            generation.n_stored += len(part.tokens)
            if generation.prompt_is_done:
                self._next_token(generation, index)

    def _next_token(self, generation: Generation, index: int) -> None:
        """Choose the token that follows the one at ``index`` of the batch."""
        request = generation.job.request
        if generation.job.cancelled or request.max_tokens == 0:
            self._finish(generation, FinishReason.CANCELLED if generation.job.cancelled else FinishReason.LENGTH)
            return
        token, logprob = self._loaded.context.greedy(index)
        generation.first_token_ms = generation.first_token_ms or generation.job.elapsed_ms()
        if self._loaded.model.ends_text(token):
            self._finish(generation, FinishReason.END)
            return
        generation.decoded.append(token)
        text = generation.stream.feed(self._loaded.model.piece(token))
        self._sink(Token(request.request_id, text, token, logprob, generation.usage()))
        if generation.stream.stopped:
            self._finish(generation, FinishReason.STOP)
        elif len(generation.decoded) == request.max_tokens:
            self._finish(generation, FinishReason.LENGTH)

    def _give_up_one(self, batch: Sequence[tuple[Generation, Part]]) -> None:
        """All cells are in use: the request that came last among the least urgent has to go."""
        victim = min(self._active, key=lambda each: (each.job.request.priority, -each.job.submitted_at))
        n_tokens = sum(len(part.tokens) for _, part in batch)
        message = f"no room for {n_tokens} more tokens beside the other requests; ask again, or raise model.n_ctx"
        self._fail(victim, RequestError(message))

    def _finish(self, generation: Generation, reason: FinishReason) -> None:
        self._active.remove(generation)
        self._sequences.release(generation.lease.seq)
        rest = "" if reason in {FinishReason.CANCELLED, FinishReason.STOP} else generation.stream.finish()
        self._finish_job(generation.job, reason, rest, generation.usage())

    def _fail(self, generation: Generation, error: Exception) -> None:
        self._active.remove(generation)
        self._sequences.drop(generation.lease.seq)
        self._fail_job(generation.job, error)

    def _finish_job(self, job: Job, reason: FinishReason, rest: str, usage: Usage) -> None:
        self._inbox.forget(job)
        self._sink(Finished(job.request.request_id, reason, rest, usage))

    def _fail_job(self, job: Job, error: Exception) -> None:
        self._inbox.forget(job)
        if isinstance(error, PylotError):
            self._sink(Failed(job.request.request_id, str(error), type(error).__name__))
            return
        _log.error("request %s failed", job.request.request_id, exc_info=error)
        self._sink(Failed(job.request.request_id, f"the engine failed: {type(error).__name__}"))


def _check_length(n_prompt: int, request: GenerateRequest, n_ctx: int) -> None:
    if n_prompt == 0:
        raise RequestError("the prompt is empty")
    if request.max_tokens < 0:
        raise RequestError(f"{request.max_tokens} tokens were asked for; ask for none or more")
    if n_prompt + request.max_tokens > n_ctx:
        raise RequestError(
            f"the prompt has {n_prompt} tokens and {request.max_tokens} are to be decoded, but the context holds "
            f"{n_ctx}; shorten the prompt or raise model.n_ctx",
        )
