"""Completion at a cursor: a document and an offset in, a suggestion out."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pylot_ls.engine.types import Hole, Priority, Token, Usage
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
        prompt: how the prompt is laid out.
    """

    max_tokens: int = 64
    max_lines: int = 8
    time_budget_ms: float = 1000
    confidence: float = 0.05
    in_strings: bool = True
    in_comments: bool = True
    prompt: FimOptions = field(default_factory=FimOptions)


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
    """

    suggestion: Suggestion | None
    usage: Usage
    shown: str = ""
    plan: Plan | None = None
    is_live: bool = False


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
    on_text: Callable[[str], None] = lambda _text: None,
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
    events = engine.generate(
        plan.prompt,
        max_tokens=options.max_tokens,
        priority=Priority.BACKGROUND if ahead else Priority.KEYSTROKE,
        session=session,
        keep=keep,
        heal=True,
        fallbacks=() if ahead else plan.fallbacks,
        budget_ms=options.time_budget_ms,
        hole=Hole(document.uri, text.line_of(plan.anchor.offset), text.line_of(plan.cursor)),
    )
    rule = partial(_stop_rule, around, options.max_lines)
    generated = await _collect(events, rule, Doubt(options.confidence), on_text)
    if anchors and generated.usage.fallback:
        anchors.widen(document.uri, plan, engine, keep=keep)
    # It may parse several times.
    shown = await asyncio.to_thread(
        finish, generated.text, around.prefix, around.suffix, document.language_id, await around.syntax()
    )
    if not shown:
        return Completion(None, generated.usage, "", plan)
    inserted = shown.replace("\n", around.terminator)
    suggestion = Suggestion(suggestion_id(document, offset, inserted), inserted, offset, generated.confidence)
    return Completion(suggestion, generated.usage, shown, plan)


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


@dataclass(frozen=True, slots=True)
class _Generated:
    text: str
    confidence: float
    usage: Usage


async def _collect(
    generation: AsyncGenerator[GenerationEvent, None],
    stop_rule: Callable[[], Awaitable[StopRule]],
    doubt: Doubt,
    on_text: Callable[[str], None],
) -> _Generated:
    """Read tokens until the suggestion is complete; what would follow is cancelled.

    The rule is asked for when the first token is there: what it takes then delays none, and runs beside the next ones.
    """
    received, text, usage = "", "", Usage()
    rule: StopRule | None = None
    logprobs: list[float] = []
    async with contextlib.aclosing(generation) as events:
        async for event in events:
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
            on_text(text)
    return _Generated(text, math.exp(sum(logprobs)), usage)


def suggestion_id(document: Document, offset: int, text: str) -> str:
    """See ``Suggestion.id``."""
    key = f"{document.uri}\0{document.version}\0{offset}\0{text}".encode("utf-8", errors="replace")
    return hashlib.blake2b(key, digest_size=8).hexdigest()
