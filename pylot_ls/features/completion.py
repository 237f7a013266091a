"""Completion at a cursor: a document and an offset in, a suggestion out."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.engine.types import Token, Usage
from pylot_ls.features.finishing import finish
from pylot_ls.features.repetition import repeats
from pylot_ls.features.shape import shape_at
from pylot_ls.features.stopping import StopRule
from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan
from pylot_ls.prompts.window import window_start, with_line_feeds
from pylot_ls.syntax.cursor import Syntax
from pylot_ls.syntax.window import AFTER_BYTES, BEFORE_BYTES, Window

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pylot_ls.engine.engine import Engine, GenerationEvent
    from pylot_ls.features.anchors import Anchors
    from pylot_ls.text.document import Document
    from pylot_ls.text.rope import Text

# A line longer than this around the cursor is data, not something a person types on.
_LONGEST_LINE = 10_000


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """What a user can choose.

    Attributes:
        max_tokens: most tokens to decode for one suggestion.
        max_lines: most lines of one suggestion.
        time_budget_ms: how long the first token may take before a smaller prompt is preferred.
        in_strings, in_comments: whether anything is suggested there, in languages with a grammar.
        prompt: how the prompt is laid out.
    """

    max_tokens: int = 64
    max_lines: int = 8
    time_budget_ms: float = 1000
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
        confidence: geometric mean of its tokens' probabilities, 0 to 1.
    """

    id: str
    text: str
    offset: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Completion:
    """The outcome of asking once: a suggestion or none, and what it cost."""

    suggestion: Suggestion | None
    usage: Usage


async def complete(  # noqa: PLR0917 - the memory is the only one that may be left out
    document: Document,
    offset: int,
    engine: Engine,
    options: CompletionOptions,
    anchors: Anchors | None = None,
    session: str = "",
    *,
    keep: bool = False,
) -> Completion:
    """Ask the model what stands at an offset.

    Cancelling the coroutine ends the work in the engine. ``anchors`` remembers the prompts of a session's documents
    from keystroke to keystroke; ``session`` is whose request it is; ``keep``: whether what is evaluated of the document
    may be kept beyond the process.

    Raises:
        ModelError: there is no model, or it cannot complete.
        EngineError: the engine failed.
    """
    text = document.text
    around = _Surroundings.of(text, offset)
    syntax = around.syntax(document.language_id) if around else None
    if around is None or not _is_wanted_at(syntax, options):
        return Completion(None, Usage())
    model = await engine.ready()
    current = anchors.of(document.uri) if anchors else None
    earlier = anchors.earlier(document.uri) if anchors else ()
    plan = make_plan(text, offset, model, options.prompt, options.max_tokens, current, earlier)
    if anchors:
        anchors.follow(document.uri, plan, engine, keep=keep)
    shape = shape_at(around.line_before, around.line_after, around.previous_line, options.max_lines, syntax)
    events = engine.generate(
        plan.prompt,
        max_tokens=options.max_tokens,
        stop=shape.stop,
        session=session,
        keep=keep,
        heal=True,
        fallbacks=plan.fallbacks,
        budget_ms=options.time_budget_ms,
    )
    generated = await _collect(events, StopRule(shape, syntax))
    if anchors and generated.usage.fallback:
        anchors.widen(document.uri, plan, engine, keep=keep)
    # On a thread, since it may parse several times; a parse lets others run in between.
    shown = await asyncio.to_thread(finish, generated.text, around.prefix, around.suffix, document.language_id, syntax)
    shown = shown.replace("\n", around.terminator)
    if not shown:
        return Completion(None, generated.usage)
    suggestion = Suggestion(_suggestion_id(document, offset, shown), shown, offset, generated.confidence)
    return Completion(suggestion, generated.usage)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The text around a cursor, as far as a suggestion's form depends on it."""

    line_before: str
    line_after: str
    previous_line: str
    prefix: str
    suffix: str
    terminator: str
    is_whole: bool

    @classmethod
    def of(cls, text: Text, offset: int) -> _Surroundings | None:
        """None where no suggestion makes sense: in a line of a length that no person types."""
        line = text.line_of(offset)
        start, end = text.line_start(line), text.line_end(line)
        if end - start > _LONGEST_LINE:
            return None
        above = (text.line(number) for number in range(line - 1, max(-1, line - 20), -1))
        prefix_start = window_start(text, offset, BEFORE_BYTES)
        return cls(
            line_before=text.slice(start, offset),
            line_after=text.slice(offset, end) if offset < end else "",
            previous_line=next((candidate for candidate in above if candidate.strip()), ""),
            prefix=with_line_feeds(text.slice(prefix_start, offset)),
            suffix=with_line_feeds(text.slice(offset, offset + AFTER_BYTES)),
            terminator=_terminator(text, line),
            is_whole=prefix_start == 0,
        )

    def syntax(self, language_id: str) -> Syntax | None:
        """The syntax at the cursor, None where there is no grammar or too much to parse."""
        window = Window.around(self.prefix, self.suffix, is_whole=self.is_whole)
        return None if window is None else Syntax.at(language_id, window)


def _is_wanted_at(syntax: Syntax | None, options: CompletionOptions) -> bool:
    if syntax is None:
        return True
    return (options.in_comments or not syntax.in_comment) and (options.in_strings or not syntax.in_string)


def _terminator(text: Text, line: int) -> str:
    """The terminator of the cursor's line, or of the one above at the end of the file."""
    for number in (line, line - 1):
        if 0 <= number < text.n_lines - 1:
            return text.slice(text.line_end(number), text.line_start(number + 1))
    return "\n"


@dataclass(frozen=True, slots=True)
class _Generated:
    text: str
    confidence: float
    usage: Usage


async def _collect(generation: AsyncGenerator[GenerationEvent, None], rule: StopRule) -> _Generated:
    """Read tokens until the suggestion is complete; what would follow is cancelled."""
    received, text, usage = "", "", Usage()
    logprobs: list[float] = []
    async with contextlib.aclosing(generation) as events:
        async for event in events:
            received += event.text
            text = with_line_feeds(received)
            usage = event.usage
            if isinstance(event, Token):
                logprobs.append(event.logprob)
            part = rule.complete_part(text)
            if part is not None:
                text = part
                break
            if repeats(text):
                # Nobody wants it, and on a slow machine it takes seconds to run to its end.
                text = ""
                break
    mean = sum(logprobs) / len(logprobs) if logprobs else -math.inf
    return _Generated(text, math.exp(mean), usage)


def _suggestion_id(document: Document, offset: int, text: str) -> str:
    key = f"{document.uri}\0{document.version}\0{offset}\0{text}".encode("utf-8", errors="replace")
    return hashlib.blake2b(key, digest_size=8).hexdigest()
