"""One text that is generated: from the engine's events to pieces of text and an end."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.api.errors import too_long
from pylot_ls.api.lines import LineRules
from pylot_ls.api.prompting import most_tokens
from pylot_ls.engine.prompt_types import ChatSegment, TokensSegment
from pylot_ls.engine.types import FinishReason, Priority, Sampling, Token, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pylot_ls.api.limits import Place
    from pylot_ls.api.models import Model
    from pylot_ls.engine.prompt_types import Prompt


_GREEDY = Sampling(temperature=0.0)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be generated.

    Attributes:
        prompt: to be continued.
        max_tokens: None for as many as there is room for.
        stop, sampling, grammar, n_alternatives, salt, keep: see ``GenerateRequest``.
        fallbacks, budget_ms: see there.
        n_indent, t_max_predict_ms: see ``LineRules``.
        shifts: who runs out of context goes on without its oldest half, but for so many tokens; None where it ends.
    """

    prompt: Prompt
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = _GREEDY
    grammar: str = ""
    n_alternatives: int = 0
    salt: str = ""
    keep: bool = True
    fallbacks: tuple[Prompt, ...] = ()
    budget_ms: float = math.inf
    n_indent: int = 0
    t_max_predict_ms: float = 0.0
    shifts: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and the tokens that it is made of."""

    text: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class End:
    """How it ended.

    Attributes:
        reason: why.
        stopping_word: the stop text that ended it; "" where none did.
        usage: what it cost.
        truncated: whether the context was too small for all of it.
    """

    reason: FinishReason
    stopping_word: str
    usage: Usage
    truncated: bool


class Generation:
    """Generates a text, once.

    Args:
        model: that does it.
        wish: what.
        place: of its request; there is shown how far it is.

    Attributes:
        end: once it has ended.
    """

    def __init__(self, model: Model, wish: Wish, place: Place) -> None:
        self.model = model
        self.wish = wish
        self.place = place
        self._rules = LineRules.of(wish.n_indent, wish.t_max_predict_ms)
        self._decoded: list[int] = []
        self._bytes = bytearray()
        self._n_delivered = 0
        self._first_at = 0.0
        self.end: End | None = None
        self.usage = Usage()

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The text, as it comes. Closing the generator cancels the rest.

        Raises:
            ApiError: the prompt does not fit.
            PylotError: the engine failed.
        """
        wish = await fitted(self.model, self.wish)
        wanted = self.wish.max_tokens
        before: Usage | None = None
        is_shifted = False
        while True:
            async with contextlib.aclosing(self._once(wish, before)) as pieces:
                async for piece in pieces:
                    yield piece
            end = self.end
            left = None if wanted is None else wanted - len(self._decoded)
            if end is None or not self._goes_on(end, wish, left):
                break
            is_shifted = True
            before = self.usage
            wish = await self._shifted(wish, left)
        if self.end is not None:
            self.end = replace(self.end, truncated=is_shifted or self._is_cut(self.end, wanted))

    def _goes_on(self, end: End, wish: Wish, left: int | None) -> bool:
        is_full = end.reason is FinishReason.LENGTH and (left is None or left > 0)
        return is_full and wish.shifts is not None and self._rules is None and not wish.grammar and bool(self._decoded)

    def _is_cut(self, end: End, wanted: int | None) -> bool:
        is_full = self.usage.prompt_tokens + self.usage.tokens_decoded >= self.model.info.n_ctx
        return end.reason is FinishReason.LENGTH and is_full and (wanted is None or len(self._decoded) < wanted)

    async def _shifted(self, wish: Wish, left: int | None) -> Wish:
        """The wish to go on without the oldest half of what can go; it is evaluated anew."""
        tokens = [*await self.model.engine.tokenize(self.wish.prompt), *self._decoded]
        n_ctx = self.model.info.n_ctx
        tokens = tokens[: wish.shifts] + tokens[wish.shifts or 0 :][-(n_ctx - (wish.shifts or 0)) // 2 :]
        room = n_ctx - len(tokens)
        return replace(
            wish,
            prompt=(TokensSegment(tuple(tokens)),),
            max_tokens=room if left is None else min(left, room),
        )

    async def _once(self, wish: Wish, before: Usage | None) -> AsyncGenerator[Piece, None]:
        """One request of the engine."""
        held: list[Token] = []
        engine = self.model.engine
        async with contextlib.aclosing(
            engine.generate(
                wish.prompt,
                max_tokens=wish.max_tokens or 0,
                stop=wish.stop,
                # Who only prepares waits for those who ask.
                priority=Priority.INTERACTIVE if wish.max_tokens else Priority.BACKGROUND,
                session=self.place.user.session,
                keep=wish.keep,
                fallbacks=wish.fallbacks,
                budget_ms=wish.budget_ms,
                sampling=drawn_by(wish.sampling),
                grammar=wish.grammar,
                n_alternatives=wish.n_alternatives,
                salt=wish.salt,
            )
        ) as events:
            async for event in events:
                self.usage = event.usage if before is None else _sum(before, event.usage)
                self.place.n_prompt, self.place.n_decoded = self.usage.prompt_tokens, self.usage.tokens_decoded
                if isinstance(event, Token):
                    self._take(event)
                    held.append(event)
                    text, is_over = self._by_lines(event.text)
                    if text:
                        self._n_delivered += len(text.encode())
                        yield Piece(text, tuple(held))
                        held.clear()
                    if is_over:
                        self.end = End(FinishReason.LENGTH, "", self.usage, truncated=False)
                        return
                    continue
                text = self._last(event.text)
                word = self._stopping_word(wish.stop) if event.reason is FinishReason.STOP else ""
                if text or (held and event.reason is not FinishReason.STOP):
                    self._n_delivered += len(text.encode())
                    yield Piece(text, tuple(held))
                self.end = End(event.reason, word, self.usage, truncated=False)

    def _take(self, token: Token) -> None:
        self._decoded.append(token.token_id)
        self._bytes += token.piece
        self._first_at = self._first_at or time.monotonic()

    def _by_lines(self, text: str) -> tuple[str, bool]:
        rules = self._rules
        return (text, False) if rules is None else rules.feed(text, time.monotonic() - self._first_at)

    def _last(self, text: str) -> str:
        rules = self._rules
        if rules is None:
            return text
        fed, is_over = rules.feed(text, 0.0)
        return fed if is_over else fed + rules.rest()

    def _stopping_word(self, stop: tuple[str, ...]) -> str:
        """Which stop text it was: the one that follows what was delivered."""
        rest = bytes(self._bytes[self._n_delivered :])
        return next((word for word in stop if rest.startswith(word.encode())), stop[0] if len(stop) == 1 else "")


def drawn_by(sampling: Sampling) -> Sampling | None:
    """What the engine is asked: None where the most probable token comes each time, which is faster."""
    changes = (
        sampling.temperature,
        sampling.logit_bias,
        sampling.ignore_eos,
        sampling.frequency_penalty,
        sampling.presence_penalty,
        sampling.repeat_penalty != 1,
    )
    return sampling if any(changes) else None


async def fitted(model: Model, wish: Wish) -> Wish:
    """The wish with as many tokens as there is room for behind its prompt.

    Raises:
        ApiError: the prompt leaves no room.
    """
    n_ctx = model.info.n_ctx
    wanted = wish.max_tokens
    is_chat = any(isinstance(segment, ChatSegment) for segment in wish.prompt)
    if not is_chat and wanted is not None and most_tokens(wish.prompt) + wanted <= n_ctx:
        return wish
    tokens = await model.engine.tokenize(wish.prompt)
    room = n_ctx - len(tokens)
    if room < min(1, wanted or 1):
        raise too_long(len(tokens), n_ctx)
    return replace(
        wish, prompt=(TokensSegment(tuple(tokens)),), max_tokens=room if wanted is None else min(wanted, room)
    )


def _sum(before: Usage, now: Usage) -> Usage:
    """What two requests of the engine cost that make one text."""
    return replace(
        before,
        tokens_evaluated=before.tokens_evaluated + now.tokens_evaluated,
        tokens_decoded=before.tokens_decoded + now.tokens_decoded,
        tokens_drafted=before.tokens_drafted + now.tokens_drafted,
        tokens_accepted=before.tokens_accepted + now.tokens_accepted,
        total_ms=before.total_ms + now.total_ms,
    )
