"""What follows an evaluation: tokens are chosen, become text and are delivered, and what may follow them is drafted."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pylot_ls.engine.checking import check_request
from pylot_ls.engine.healing import MOST_TOKENS, healing_of
from pylot_ls.engine.speculation import Draft, draft_of
from pylot_ls.engine.types import Alternative, FinishReason, Token
from pylot_ls.errors import RequestError

if TYPE_CHECKING:
    from pylot_ls.engine.backend import RequestSink
    from pylot_ls.engine.generation import Generation
    from pylot_ls.engine.kv_context import Part
    from pylot_ls.engine.loading import Loaded
    from pylot_ls.engine.ngrams import Guess
    from pylot_ls.engine.rendering import Tokens
    from pylot_ls.engine.vocabulary import Ids

# A model has so many tokens at most that end a text.
_MOST_ENDINGS = 8


class Decoder:
    """Goes from logits to tokens, for all requests of a worker.

    Args:
        loaded: the model and its context.
        sink: where tokens go.
    """

    def __init__(self, loaded: Loaded, sink: RequestSink) -> None:
        self._loaded = loaded
        self._sink = sink

    def begin(self, generation: Generation, prompt: Tokens) -> None:
        """Take a request with this prompt into work.

        Raises:
            RequestError: its grammar is none, or it asks for what a grammar does not go with.
        """
        request, healing = generation.job.request, None
        check_request(request, len(prompt), self._loaded.info)
        # Only what is typed: what stands before it is frozen, or a marker. And a prompt is never empty.
        n_typed = min(self._loaded.renderer.n_last(request.prompts[generation.fallback]), len(prompt) - 1)
        if request.max_tokens and (request.grammar or request.sampling is not None):
            self._begin_bound(generation)
            generation.begin(prompt)
            return
        if request.heal and request.max_tokens:
            last = prompt[len(prompt) - min(n_typed, MOST_TOKENS) :]
            healing = healing_of(self._loaded.vocabulary, [self._loaded.model.piece(token) for token in last])
        generation.begin(prompt, healing)
        if self._loaded.ngrams is not None and request.hole is not None and request.max_tokens:
            typed = prompt[len(prompt) - n_typed : generation.n_prompt]
            generation.matcher = self._loaded.ngrams.matcher(request.session, request.hole, typed)

    def _begin_bound(self, generation: Generation) -> None:
        """See how a request that has a grammar, or is drawn, chooses its tokens."""
        request, loaded = generation.job.request, self._loaded
        if request.grammar:
            if request.rank and request.sampling is None:
                raise RequestError("by a grammar there is one continuation of a prompt; ask without a rank")
            generation.grammar = loaded.model.grammar(request.grammar)
        if request.sampling is not None:
            # Imported here: it takes numpy, which is loaded with the model, and not while a server starts.
            from pylot_ls.engine.sampler import Sampler  # noqa: PLC0415

            generation.sampler = Sampler(
                request.sampling, loaded.vocabulary.without_text, loaded.model.ends_text, generation.grammar
            )

    def advance(self, generation: Generation, part: Part, end: int, seconds: float | None) -> FinishReason | None:
        """Go on after the evaluation of all that was known of a request; why the request is finished, if it is.

        Args:
            generation: the request.
            part: what was evaluated of it.
            end: index in the batch behind the part's last token.
            seconds: what the evaluation took; None where others shared it.
        """
        if generation.job.cancelled:
            return FinishReason.CANCELLED
        if generation.job.request.max_tokens == 0:
            return FinishReason.LENGTH
        began = time.perf_counter()
        n_known, is_step = len(generation.tokens), generation.n_decoded > 0
        reason = self._next_tokens(generation, part, end - part.n_logits)
        speculation = self._loaded.speculation
        if speculation is not None:
            speculation.followed(generation.draft, generation.tokens[n_known:])
            if is_step and seconds is not None:
                speculation.took(len(part.tokens), (seconds + time.perf_counter() - began) * 1000)
            # The next token may be none of those that the model would choose.
            draft, is_free = Draft(), generation.grammar is None and generation.sampler is None
            if reason is None and not generation.is_healing and is_free:
                draft = self._within_line(draft_of(generation.matcher, generation.lookup, generation.tokens))
            generation.check(draft, speculation.length(draft, generation.n_left - 1))
        return reason

    def _within_line(self, draft: Draft) -> Draft:
        """A draft up to the end of its line: most suggestions end there, and what is drafted beyond is for nothing.

        One that begins with a line's end goes on to the end of the next one.
        """
        for number, token in enumerate(draft.tokens[1:], 2):
            if b"\n" in self._loaded.model.piece(token):
                return replace(draft, tokens=draft.tokens[:number])
        return draft

    def _next_tokens(self, generation: Generation, part: Part, index: int) -> FinishReason | None:
        """Choose the token after the one at ``index`` of the batch, and the ones after what was drafted rightly."""
        drafted, n_right = part.drafted, 0
        reason = self._next_token(generation, index)
        while reason is None and n_right < len(drafted) and generation.tokens[-1] == drafted[n_right]:
            n_right += 1
            reason = self._next_token(generation, index + n_right)
        if drafted:
            generation.checked(len(drafted), n_right)
            self._loaded.sequences.cut(part.seq, generation.n_stored)
        return reason

    def _next_token(self, generation: Generation, index: int) -> FinishReason | None:
        """Choose and deliver the token that follows the one at ``index`` of the batch."""
        request = generation.job.request
        allowed = generation.healing.allowed() if generation.healing and generation.is_healing else None
        rank = 0 if generation.n_decoded or generation.sampler else request.rank
        if generation.sampler is not None:
            token, logprob = generation.sampler.choose(self._loaded.context.logits(index), generation.tokens)
        elif generation.grammar is not None:
            token, logprob = generation.grammar.choose(self._loaded.context.logits(index))
        else:
            guess = generation.matcher.guess(generation.tokens) if generation.matcher else None
            token, logprob = self._ranked(index, allowed, rank, guess)
        if self._loaded.model.ends_text(token):
            return FinishReason.END
        piece = self._loaded.model.piece(token)
        new = generation.take(token, piece)
        if new or allowed is None or rank:
            text = generation.stream.feed(new)
            others = self._alternatives(index, request.n_alternatives) if request.n_alternatives else ()
            self._sink(Token(request.request_id, text, token, logprob, generation.usage(), piece, others))
        if generation.stream.stopped:
            return FinishReason.STOP
        return FinishReason.LENGTH if generation.n_left == 0 else None

    def _alternatives(self, index: int, n_tokens: int) -> tuple[Alternative, ...]:
        """The most probable tokens after the one at ``index`` of the batch."""
        found = self._loaded.context.most_probable(index, n_tokens)
        return tuple(Alternative(token, self._loaded.model.spelling(token), logprob) for token, logprob in found)

    def _ranked(self, index: int, allowed: Ids | None, rank: int, guess: Guess | None) -> tuple[int, float]:
        """The token that has ``rank`` others before it, of which only the first ends the text."""
        token, logprob = self._loaded.context.greedy(index, allowed, 0, guess)
        place, last = 0, rank + _MOST_ENDINGS
        while rank > 0 and place < last:
            place += 1
            token, logprob = self._loaded.context.greedy(index, allowed, place, guess)
            rank -= not self._loaded.model.ends_text(token)
        return token, logprob
