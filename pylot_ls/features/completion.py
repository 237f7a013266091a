"""Completion at a cursor: a document and an offset in, a suggestion out."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pylot_ls.engine.types import Hole, Priority, Token, Usage
from pylot_ls.features.candidates import LEAST_LIKELY, MOST_CANDIDATES, several
from pylot_ls.features.doubt import Doubt, certain
from pylot_ls.features.finishing import finish
from pylot_ls.features.repetition import repeats
from pylot_ls.features.shape import shape_at
from pylot_ls.features.stopping import StopRule
from pylot_ls.features.surroundings import Surroundings
from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan
from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from pylot_ls.engine.engine import Engine, GenerationEvent
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.features.anchors import Anchors
    from pylot_ls.prompts.plan import Plan
    from pylot_ls.text.document import Document


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """What a user can choose.

    Attributes:
        max_tokens: most tokens to decode for one suggestion.
        max_lines: most lines of one suggestion.
        time_budget_ms: how long the first token may take before a smaller prompt is preferred.
        confidence: how likely all of a suggestion has to be, 0 to 1; it ends before where it is less.
        in_strings, in_comments: whether anything is suggested there, in languages with a grammar.
        n_candidates: how many suggestions are made for one place.
        prompt: how the prompt is laid out.
    """

    max_tokens: int = 64
    max_lines: int = 8
    time_budget_ms: float = 1000
    confidence: float = 0.05
    in_strings: bool = True
    in_comments: bool = True
    n_candidates: int = 1
    prompt: FimOptions = field(default_factory=FimOptions)

    def by_hand(self) -> CompletionOptions:
        """What the same user gets who asks: whatever the model says, in strings and comments too, and several."""
        return replace(self, confidence=0.0, in_strings=True, in_comments=True, n_candidates=MOST_CANDIDATES)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text that may be inserted at an offset.

    Attributes:
        id: the same for the same text at the same place of the same version.
        text: never empty, with the document's own line terminators.
        offset: where it goes, in characters.
        confidence: how likely all of it is by the model's own estimate, 0 to 1: the product of its tokens'
            probabilities.
    """

    id: str
    text: str
    offset: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Completion:
    r"""The outcome of asking once: a suggestion or none, and what it cost.

    Attributes:
        usage: all zero where the model was not asked.
        shown: the suggestion's text with ``\n`` for its line terminators.
        plan: what the model was asked with; None where it was not.
        is_live: whether it is what an earlier one has left, and no model was asked.
        is_part: whether more of it is being decoded.
        others: further suggestions for the same place, the likeliest first; their cost is not in the usage.
    """

    suggestion: Suggestion | None
    usage: Usage
    shown: str = ""
    plan: Plan | None = None
    is_live: bool = False
    is_part: bool = False
    others: tuple[Suggestion, ...] = ()

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """All there are, the first one first."""
        return () if self.suggestion is None else (self.suggestion, *self.others)


@dataclass(frozen=True, slots=True)
class Generated:
    r"""What the model has said, up to where the suggestion ends.

    Attributes:
        text: its line terminators are ``\n``.
        confidence: see Suggestion.
        usage: what it cost.
    """

    text: str = ""
    confidence: float = 1.0
    usage: Usage = field(default_factory=Usage)


async def complete(  # noqa: PLR0917 - the memory is the only one that may be left out
    document: Document,
    offset: int,
    engine: Engine,
    options: CompletionOptions,
    anchors: Anchors | None = None,
    session: str = "",
    *,
    keep: bool = False,
    ahead: bool = False,
    on_text: Callable[[Generated], None] = lambda _generated: None,
) -> Completion:
    """Ask the model what stands at an offset.

    Cancelling the coroutine ends the work in the engine. ``anchors`` remembers the prompts of a session's documents
    from keystroke to keystroke; ``session`` is whose request it is; ``keep``: whether what is evaluated of the document
    may be kept beyond the process; ``ahead``: the document is what it may become, so the model is asked in the
    background, on the anchor on which the document stands or not at all, and that does not move; ``on_text``: called
    with what is decoded so far.

    Raises:
        ModelError: there is no model, or it cannot complete.
        EngineError: the engine failed.
    """
    text = document.text
    around = Surroundings.of(document, offset)
    if around is None or not await _is_wanted(around, options):
        return Completion(None, Usage())
    model = await engine.ready()
    current = anchors.of(document.uri) if anchors else None
    earlier = anchors.earlier(document.uri) if anchors else ()
    plan = make_plan(text, offset, model, options.prompt, options.max_tokens, current, earlier)
    if ahead and plan.anchor != current:
        return Completion(None, Usage())
    if anchors and not ahead:
        anchors.follow(document.uri, plan, engine, keep=keep)
    asked = _Asked(document, offset, around, plan, engine, options, session, keep=keep, ahead=ahead)
    if ahead or options.n_candidates == 1:
        completion = await asked.first(on_text)
    else:
        completion = await several(partial(asked.first, on_text), asked.other, options.n_candidates)
    if anchors and completion.usage.fallback:
        anchors.widen(document.uri, plan, engine, keep=keep)
    return completion


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question to the model; see ``complete``."""

    document: Document
    offset: int
    around: Surroundings
    plan: Plan
    engine: Engine
    options: CompletionOptions
    session: str
    keep: bool
    ahead: bool

    async def first(
        self, on_text: Callable[[Generated], None], on_evaluated: Callable[[int], None] = lambda _number: None
    ) -> Completion:
        """What is most probable; ``on_evaluated`` is told with which of the plan's prompts, once that is evaluated."""
        fallbacks = () if self.ahead else self.plan.fallbacks
        events = self._events(self.plan.prompt, fallbacks=fallbacks, budget_ms=self.options.time_budget_ms)
        return await self._completion(events, Doubt(self.options.confidence), on_text, on_evaluated)

    async def other(self, rank: int, prompt_number: int) -> Completion:
        """What else is probable, with one of the plan's prompts; nothing where its first token is not."""
        prompt = (self.plan.prompt, *self.plan.fallbacks)[prompt_number]
        doubt = Doubt(self.options.confidence, LEAST_LIKELY)
        return await self._completion(self._events(prompt, rank=rank), doubt)

    def _events(
        self, prompt: Prompt, *, fallbacks: tuple[Prompt, ...] = (), budget_ms: float = math.inf, rank: int = 0
    ) -> AsyncGenerator[GenerationEvent, None]:
        text, plan = self.document.text, self.plan
        return self.engine.generate(
            prompt,
            max_tokens=self.options.max_tokens,
            priority=Priority.BACKGROUND if self.ahead else Priority.KEYSTROKE,
            session=self.session,
            keep=self.keep,
            heal=True,
            fallbacks=fallbacks,
            budget_ms=budget_ms,
            rank=rank,
            hole=Hole(self.document.uri, text.line_of(plan.anchor.offset), text.line_of(plan.cursor)),
        )

    async def _completion(
        self,
        events: AsyncGenerator[GenerationEvent, None],
        doubt: Doubt,
        on_text: Callable[[Generated], None] = lambda _generated: None,
        on_evaluated: Callable[[int], None] = lambda _number: None,
    ) -> Completion:
        rule = partial(_stop_rule, self.around, self.options.max_lines)
        generated = await _collect(events, rule, doubt, on_text, on_evaluated)
        return await presented(generated, self.document, self.offset, self.around, self.plan)


async def presented(
    generated: Generated, document: Document, offset: int, around: Surroundings | None, plan: Plan | None = None
) -> Completion:
    """What is shown of a text that the model has said at an offset."""
    if around is None or not generated.text:
        return Completion(None, generated.usage, "", plan)
    # It may parse several times.
    shown = await asyncio.to_thread(
        finish, generated.text, around.prefix, around.suffix, document.language_id, await around.syntax()
    )
    if not shown:
        return Completion(None, generated.usage, "", plan)
    inserted = shown.replace("\n", around.terminator)
    own_id = suggestion_id(document, offset, inserted)
    return Completion(Suggestion(own_id, inserted, offset, generated.confidence), generated.usage, shown, plan)


async def _is_wanted(around: Surroundings, options: CompletionOptions) -> bool:
    """Whether the user wants suggestions at this place; only who has excluded some waits for the answer."""
    if options.in_comments and options.in_strings:
        return True
    syntax = await around.syntax()
    if syntax is None:
        return True
    return (options.in_comments or not syntax.in_comment) and (options.in_strings or not syntax.in_string)


async def _stop_rule(around: Surroundings, max_lines: int) -> StopRule:
    syntax = await around.syntax()
    shape = shape_at(around.line_before, around.line_after, around.previous_line, max_lines, syntax)
    return StopRule(shape, syntax)


async def _collect(
    generation: AsyncGenerator[GenerationEvent, None],
    stop_rule: Callable[[], Awaitable[StopRule]],
    doubt: Doubt,
    on_text: Callable[[Generated], None],
    on_evaluated: Callable[[int], None],
) -> Generated:
    """Read tokens until the suggestion is complete; what would follow is cancelled.

    The rule is asked for when the first token is there: what it takes then delays none, and runs beside the next ones.
    """
    received, text = "", ""
    usage: Usage | None = None
    rule: StopRule | None = None
    logprobs: list[float] = []
    async with contextlib.aclosing(generation) as events:
        async for event in events:
            if usage is None:
                on_evaluated(event.usage.fallback)
            usage = event.usage
            if isinstance(event, Token):
                if doubt.begins_with(event.logprob):
                    text = certain(text, event.text)
                    break
                logprobs.append(event.logprob)
            received += event.text
            text = with_line_feeds(received)
            rule = rule or await stop_rule()
            # A line that is complete may have to be parsed.
            part = await asyncio.to_thread(rule.complete_part, text) if "\n" in event.text else rule.complete_part(text)
            if part is not None:
                text = part
                break
            if repeats(text):
                # Nobody wants it, and on a slow machine it takes seconds to run to its end.
                text = ""
                break
            on_text(Generated(text, math.exp(sum(logprobs)), usage))
    return Generated(text, math.exp(sum(logprobs)), usage or Usage())


def suggestion_id(document: Document, offset: int, text: str) -> str:
    """See ``Suggestion.id``."""
    key = f"{document.uri}\0{document.version}\0{offset}\0{text}".encode("utf-8", errors="replace")
    return hashlib.blake2b(key, digest_size=8).hexdigest()
