"""The engine's loop, on the one thread that touches llama.cpp: take requests, ask the scheduler, evaluate, deliver."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from pylot_ls.engine.checkpoints import Checkpoints
from pylot_ls.engine.choosing import Choosing
from pylot_ls.engine.decoding import Decoder
from pylot_ls.engine.failure import failed
from pylot_ls.engine.generation import Generation
from pylot_ls.engine.kv_context import Outcome
from pylot_ls.engine.lessons import Lessons
from pylot_ls.engine.outbox import Outbox
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.queries import rendered
from pylot_ls.engine.restore_queue import RestoreQueue
from pylot_ls.engine.restoring import Restoring
from pylot_ls.engine.scheduler import Scheduler
from pylot_ls.engine.speeds import Measured
from pylot_ls.engine.types import Finished, FinishReason, GenerateRequest, Priority
from pylot_ls.errors import EngineError, RequestError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.backend import EventSink
    from pylot_ls.engine.inbox import Inbox, Job
    from pylot_ls.engine.kv_context import Part
    from pylot_ls.engine.loading import Loaded
    from pylot_ls.engine.types import Failed

# The weight of the newest measurement in the rate of prompts.
_RATE_WEIGHT = 0.3
# A smaller batch says little about the rate of prompts.
_SMALLEST_MEASURED = 8
# Somebody types as long as the last keystroke is no older than this.
_TYPING_S = 1.0
_WARM_UP = "warm-up"
# A failure that comes so often, with nothing served in between, will come again.
_MOST_FAILURES = 3
# One for the weights to be read, and others to be measured, as long as that takes no time worth mentioning: what else
# runs on the machine makes a measurement worse and never better.
_WARM_UP_TEXTS = ("x", *3 * ("for i in range(n): total += values[i]\n",))
_WARM_UP_S = 0.1
# It repeats itself, so that there are drafts to check, too.
_WARM_UP_DECODED = "1, 1, 1, 1, 1,"
_WARM_UP_TOKENS = 32
# After so long without a request the user rests, and the ends of prompts are saved, too.
_REST_S = 3.0


class Worker:
    """Serves the requests of an inbox until it is closed.

    Args:
        inbox: where requests come from.
        sink: where events go.
        loaded: the model and its context.
        lessons: texts to be learnt.
        give_way: waits while another model serves a keystroke.
    """

    def __init__(
        self,
        inbox: Inbox,
        sink: EventSink,
        loaded: Loaded,
        lessons: Lessons | None = None,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._inbox = inbox
        self._give_way = give_way
        self._outbox = Outbox(sink, unheard=_WARM_UP)
        self._loaded = loaded
        self._sequences = loaded.sequences
        self._scheduler = Scheduler(loaded.context.n_batch)
        self._decoder = Decoder(loaded, self._outbox.put)
        self._checkpoints = Checkpoints(loaded.sequences, loaded.info.fim)
        self._restoring = Restoring(loaded)
        self._choosing = Choosing(loaded)
        self._restore_queue = RestoreQueue(inbox, self._outbox.put, loaded)
        self._lessons = lessons if lessons is not None else Lessons(inbox.wake)
        self._lessons.begin(loaded.model.tokenize, loaded.ngrams)
        self._waiting: list[Generation] = []
        self._active: list[Generation] = []
        self._n_ended = 0
        self._tokens_per_s = 0.0
        self._step_s = math.inf
        self._last_keystroke_s = -_TYPING_S

    def warm_up(self) -> None:
        """Evaluate a little before anybody asks: the weights are read then, and the rate of prompts is known.

        Where that takes no time, what drafts cost is measured as well. It can be broken off by ``Inbox.close``, as a
        request can.
        """
        began, best = time.perf_counter(), 0.0
        for text in _WARM_UP_TEXTS:
            if best and time.perf_counter() - began > _WARM_UP_S:
                break
            self._tokens_per_s = 0.0
            self._warm_up(text)
            best = max(best, self._tokens_per_s)
        self._warm_up(_WARM_UP_DECODED, _WARM_UP_TOKENS)
        self._tokens_per_s = best

    def _warm_up(self, text: str, n_tokens: int = 0) -> None:
        """Evaluate a text, decode so many tokens after it or as many as there is time for, and keep nothing of them."""
        prompt, began = (TextSegment(text),), time.perf_counter()
        self._inbox.put(GenerateRequest(_WARM_UP, prompt, n_tokens, priority=Priority.BACKGROUND, keep=False))
        while self._inbox.is_live(_WARM_UP) and self.turn():
            if self._step_s < math.inf and time.perf_counter() - began > _WARM_UP_S:
                self._inbox.cancel(_WARM_UP)
        tree, tokens = self._sequences.tree, list(self._loaded.renderer.render(prompt))
        for seq in tree.sequences:
            if tree.tokens(seq)[: len(tokens)] == tokens and not tree.is_locked(seq):
                self._sequences.drop(seq)

    def measured(self) -> Measured | None:
        """How fast prompts are evaluated and tokens decoded, as far as that is known; None where it is not."""
        if not self._tokens_per_s or self._step_s == math.inf:
            return None
        info = self._loaded.info
        return Measured(self._tokens_per_s, 1 / max(self._step_s, 1e-6), info.size_bytes, info.n_params)

    def run(self) -> None:
        """Serve until the inbox is closed and every request has had its last event.

        Raises:
            EngineError: something fails again and again.
        """
        n_failures = 0
        while n_failures < _MOST_FAILURES:
            try:
                if not self.turn():
                    return
                n_failures = 0
            except Exception as error:  # noqa: BLE001 - a dead worker would leave every request unanswered
                n_failures += 1
                self._start_over(error)
        raise EngineError(Message("the engine failed several times in a row, the log says how"))

    def _start_over(self, error: Exception) -> None:
        """After a failure of which nobody knows what it left behind: no request goes on, and nothing is resident."""
        for generation in (*self._active, *self._waiting):
            generation.lease = None
            self._end(generation, failed(generation.job.request.request_id, error))
        self._sequences.clear()
        self._outbox.flush()

    def turn(self) -> bool:
        """Take what has come, evaluate one batch. False when there is nothing left and never will be."""
        if not self._admit():
            self._outbox.flush()
            return False
        if not self._active:
            self._restore_queue.step()
        # While nobody waits.
        if all(generation.job.request.priority is not Priority.KEYSTROKE for generation in self._active):
            self._lessons.step()
        if not self._decodes:
            self._outbox.flush()
        self._restoring.restore(self._active, self._tokens_per_s)
        shares = self._scheduler.decide(
            [generation.task(number) for number, generation in enumerate(self._active)],
            self._tokens_per_s,
            someone_types=time.perf_counter() - self._last_keystroke_s < _TYPING_S,
        )
        if shares:
            self._evaluate([(self._active[share.id], self._active[share.id].part(share.n_tokens)) for share in shares])
        if not self._decodes:
            self._outbox.flush()
        return True

    @property
    def _decodes(self) -> bool:
        """Whether the next thing to do is another decode step, and nothing else before it."""
        return bool(self._active) and all(generation.n_decoded for generation in self._active)

    def _admit(self) -> bool:
        """Take in what has come; wait where there is nothing to do. False when there never will be anything."""
        for job in self._take():
            if job.request.renders:
                self._outbox.put(rendered(job, self._loaded.renderer, self._loaded.model.spelling))
                self._inbox.forget(job)
                continue
            if job.request.restore_only:
                self._restore_queue.add(job)
                continue
            self._waiting.append(Generation(job))
            if job.request.priority is Priority.KEYSTROKE:
                self._last_keystroke_s = time.perf_counter()
        self._lessons.forget()
        # First: the one that takes the place of another goes on with its sequence.
        self._end_cancelled()
        for generation in sorted(self._waiting, key=_urgency, reverse=True):
            if not generation.job.cancelled and self._has_place_for(generation):
                self._waiting.remove(generation)
                self._begin(generation)
        return bool(self._active or self._waiting or self._restore_queue.is_ready) or not self._inbox.closed

    def _take(self) -> list[Job]:
        """What has come; where there is nothing to do it waits, and saves meanwhile what outlives the server."""
        if self._active or self._waiting or self._has_work:
            return self._inbox.take(wait=False)
        self._outbox.flush()
        cache = self._loaded.cache()
        for rests in (False, True) if cache else ():
            jobs = self._inbox.take(wait=True, timeout_s=_REST_S if rests else 0.0, wakes=True)
            while cache and not jobs and not self._has_work and cache.save_one(tails=rests):
                jobs = self._inbox.take(wait=False)
            if jobs or self._has_work:
                return jobs
        return self._inbox.take(wait=True, wakes=True)

    @property
    def _has_work(self) -> bool:
        """Whether there is something to do that does not come out of the inbox."""
        return self._restore_queue.is_ready or self._lessons.is_ready or self._inbox.closed

    def _has_place_for(self, generation: Generation) -> bool:
        """Whether a request may be in work now; a less urgent one is paused for it."""
        if generation.paused_at == self._n_ended:
            return False  # what left no room for it is still there
        if len(self._active) < self._loaded.max_active:
            return True
        victim = min(self._active, key=_urgency)
        if victim.job.request.priority >= generation.job.request.priority:
            return False
        self._pause(victim)
        return True

    def _begin(self, generation: Generation) -> None:
        request = generation.job.request
        try:
            if not generation.tokens:
                if request.hole is not None and request.max_tokens:
                    self._lessons.finish(request.session, request.hole.text_id)
                generation.fallback, prompt = self._choosing.choose(generation.job, self._tokens_per_s)
                self._decoder.begin(generation, prompt)
            n_logits = 1 if request.max_tokens else 0
            generation.use(
                self._sequences.acquire(generation.tokens, n_logits, aside=request.rank > 0, salt=request.salt)
            )
            self._checkpoints.begin(generation)
        except Exception as error:  # noqa: BLE001 - the other requests must go on
            self._fail(generation, error)
            return
        self._active.append(generation)
        cache = self._loaded.cache()
        if cache is not None and generation.lease is not None:
            lease = generation.lease
            cache.began(lease.seq, lease.n_reused if request.looks_ahead and request.keep else 0)
        if generation.n_pending == 0:
            self._finish(generation, FinishReason.LENGTH)

    def _pause(self, generation: Generation) -> None:
        """Let a request wait until another has ended; what it holds stays resident while there is room."""
        self._active.remove(generation)
        self._sequences.release(generation.leave())
        generation.paused_at = self._n_ended
        self._waiting.append(generation)

    def _end_cancelled(self) -> None:
        for generation in [each for each in (*self._active, *self._waiting) if each.job.cancelled]:
            self._finish(generation, FinishReason.CANCELLED)
        self._restore_queue.end_cancelled()

    def _evaluate(self, batch: Sequence[tuple[Generation, Part]]) -> None:
        parts = [part for _, part in batch]
        n_tokens = sum(len(part.tokens) for part in parts)
        if not self._sequences.make_room(n_tokens):
            self._make_one_wait(n_tokens)
            return
        if batch[0][0].job.request.priority is not Priority.KEYSTROKE:
            self._outbox.flush()
            self._give_way()
        began = time.perf_counter()
        # An interruption would destroy a state that cannot be rolled back; chunks are short.
        self._inbox.begin([generation.job for generation, _ in batch] if self._loaded.context.rolls_back else [])
        self._outbox.flush()
        try:
            outcome = self._loaded.context.evaluate(parts)
        except Exception as error:  # noqa: BLE001 - what a failed batch left behind is unknown: its sequences go
            for generation, _ in batch:
                self._fail(generation, error)
            return
        finally:
            self._inbox.end()
        if outcome is Outcome.NO_ROOM:
            if not self._sequences.evict():
                self._make_one_wait(n_tokens)
            return
        for generation, part in batch:
            generation.submitted(part, len(batch))
        if outcome is Outcome.DONE:
            seconds = time.perf_counter() - began
            self._measure(batch, n_tokens, seconds)
            self._sequences.evaluated(parts)
            self._deliver(batch, seconds)
        else:
            self._sequences.aborted(parts)
            for generation, part in batch:
                generation.n_stored = self._sequences.tree.n_tokens(part.seq)

    def _measure(self, batch: Sequence[tuple[Generation, Part]], n_tokens: int, seconds: float) -> None:
        if n_tokens == 1 and batch[0][0].n_decoded:
            self._step_s = min(self._step_s, seconds)
        if n_tokens >= _SMALLEST_MEASURED and not any(generation.n_decoded for generation, _ in batch):
            rate = n_tokens / max(seconds, 1e-6)
            known = self._tokens_per_s or rate
            self._tokens_per_s = known + _RATE_WEIGHT * (rate - known)

    def _deliver(self, batch: Sequence[tuple[Generation, Part]], seconds: float) -> None:
        end = 0
        for generation, part in batch:
            end += len(part.tokens)
            generation.n_stored += len(part.tokens)
            self._checkpoints.passed(generation)
            if generation.n_pending > 0:
                continue
            try:
                reason = self._decoder.advance(generation, part, end, seconds if len(batch) == 1 else None)
            except Exception as error:  # noqa: BLE001 - the other requests must go on
                self._fail(generation, error)
                continue
            if reason is not None:
                self._finish(generation, reason)

    def _make_one_wait(self, n_tokens: int) -> None:
        """All cells are in use: the request that came last among the least urgent waits until another has ended."""
        victim = min(self._active, key=_urgency)
        if len(self._active) > 1:
            self._pause(victim)
            return
        message = Message(
            "the context has no room for {n_tokens} more tokens; shorten the prompt or raise model.n_ctx",
            n_tokens=n_tokens,
        )
        self._fail(victim, RequestError(message))

    def _finish(self, generation: Generation, reason: FinishReason) -> None:
        if generation.lease is not None:
            seq, request = generation.leave(), generation.job.request
            self._sequences.release(seq, generation.n_certain, is_spare=request.rank > 0)
            cache = self._loaded.cache()
            # A fallback serves only until the prompt itself has been evaluated, and another continuation adds none.
            is_kept = request.keep and not (generation.fallback or request.looks_ahead or request.rank)
            if cache is not None and is_kept:
                cache.ended(seq, generation.n_prompt)
        rest = "" if reason in {FinishReason.CANCELLED, FinishReason.STOP} else generation.stream.finish()
        self._end(generation, Finished(generation.job.request.request_id, reason, rest, generation.usage()))

    def _fail(self, generation: Generation, error: Exception) -> None:
        if generation.lease is not None:
            self._sequences.drop(generation.leave())
        self._end(generation, failed(generation.job.request.request_id, error))

    def _end(self, generation: Generation, event: Finished | Failed) -> None:
        for place in (self._active, self._waiting):
            if generation in place:
                place.remove(generation)
        self._n_ended += 1
        generation.close()
        self._inbox.forget(generation.job)
        self._outbox.put(event)


def _urgency(generation: Generation) -> tuple[int, float]:
    """What orders requests: their priority, and among equals the one that came first."""
    return generation.job.request.priority, -generation.job.submitted_at
