"""Asking a model what something is: through its chat form, or through a hole where documentation stands."""

from __future__ import annotations

import contextlib
import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.types import Finished, FinishReason, Priority, Token, Usage
from pylot_ls.errors import ModelError
from pylot_ls.features.hover.wording import is_enough, prose
from pylot_ls.prompts.docstring_hole import MAX_TOKENS, docstring_form, docstring_hole
from pylot_ls.prompts.question import About, question_prompt
from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.engine import Engine
    from pylot_ls.engine.pool import ModelPool
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.engine.types import ModelInfo
    from pylot_ls.features.hover.subject import Subject
    from pylot_ls.language import Language
    from pylot_ls.prompts.docstring_hole import DocstringForm
    from pylot_ls.prompts.layout import FimOptions
    from pylot_ls.text.document import Document

_log = logging.getLogger(__name__)

_CHAT_TOKENS = 160
# Of models that fill holes only larger ones are asked. What the bundled one says, with 3 million parameters, is wrong
# more than nine times in ten, and it is surest of itself where it repeats what documents its neighbours (see
# bench/LOG.md). The smallest that people take have half a thousand million.
_LEAST_PARAMETERS = 100_000_000
_MOST_QUOTED = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is asked.

    Attributes:
        max_tokens: that it may answer with.
        begun: what the prompt has said of the answer already.
        form: in which it answers; None for plain text.
    """

    prompt: Prompt
    max_tokens: int
    begun: str = ""
    form: DocstringForm | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a model has said.

    Attributes:
        text: whole sentences; "" where nothing of it is worth showing.
        confidence: the geometric mean of its tokens' probabilities, 0 to 1.
        usage: what it cost; all zero where the model was not asked.
    """

    text: str
    confidence: float = 0.0
    usage: Usage = field(default_factory=Usage)


async def explaining_engine(pool: ModelPool) -> tuple[Engine, ModelInfo] | None:
    """The model that explains: the one that chats, else the one that completes; None where neither is able to."""
    for role in (Role.CHAT, Role.COMPLETE):
        try:
            engine = await pool.engine(role)
        except ModelError as error:
            _log.info("the model of the role %s does not explain: %s", role, error)
            continue
        info = await engine.ready()
        if role is Role.CHAT or (info.fim is not None and info.n_params >= _LEAST_PARAMETERS):
            return engine, info
    return None


def ask_about(
    document: Document, subject: Subject, model: ModelInfo, language: Language, options: FimOptions | None = None
) -> Asked | None:
    """What to ask a model about a subject of a document; None where it cannot be asked about that.

    Args:
        document: in which it stands.
        subject: its offsets are the document's.
        model: that is asked.
        language: in which it is to answer, if it can be told.
        options: how completions are laid out.

    Raises:
        ModelUnsupportedError: its context is too small.
    """
    if model.chats:
        about = About.of(document, subject.start, subject.end)
        question = _question(document, subject, language)
        return Asked(question_prompt(about, question, model, _CHAT_TOKENS), _CHAT_TOKENS)
    definition = subject.definition
    if definition is None or model.fim is None:
        return None
    prompt = docstring_hole(document.text, definition, model, document.language_id, options=options)
    form = docstring_form(document.language_id, definition.name)
    if prompt is None or form is None:
        return None
    return Asked(prompt, MAX_TOKENS, form.begun, form)


async def explain(
    asked: Asked,
    engine: Engine,
    *,
    session: str = "",
    keep: bool = False,
    on_text: Callable[[str], None] = lambda _text: None,
) -> Explanation:
    """What the model says. Cancelling the coroutine ends the work in the engine.

    ``keep``: whether the KV of the document may be kept; ``on_text``: called with what could be shown so far.

    Raises:
        EngineError: the engine failed.
    """
    received, is_over, usage = "", False, Usage()
    logprobs: list[float] = []
    stop = asked.form.stop if asked.form else ()
    events = engine.generate(
        asked.prompt,
        max_tokens=asked.max_tokens,
        stop=stop,
        priority=Priority.INTERACTIVE,
        session=session,
        keep=keep,
        heal=asked.form is not None,
    )
    words = asked.begun
    async with contextlib.aclosing(events) as stream:
        async for event in stream:
            usage = event.usage
            received += event.text
            if isinstance(event, Token):
                logprobs.append(event.logprob)
            elif isinstance(event, Finished):
                is_over = event.reason in {FinishReason.END, FinishReason.STOP}
            words, has_ended = _words(asked, with_line_feeds(received))
            is_over = is_over or has_ended
            if is_over or is_enough(words):
                break
            on_text(prose(words, is_over=False))
    confidence = math.exp(sum(logprobs) / len(logprobs)) if logprobs else 0.0
    return Explanation(prose(words, is_over=is_over), confidence, usage)


def _words(asked: Asked, received: str) -> tuple[str, bool]:
    if asked.form is None:
        return received, False
    words, has_ended = asked.form.text_of(received)
    return asked.begun + words, has_ended


def _question(document: Document, subject: Subject, language: Language) -> str:
    """It quotes what it is about: the part of the document that is shown is not marked."""
    definition = subject.definition
    if definition is None:
        about = f"What is `{subject.name}` in this line?\n{subject.line[:_MOST_QUOTED]}"
    else:
        span = definition.signature
        header = with_line_feeds(document.text.slice(span.start, min(span.end, span.start + _MOST_QUOTED)))
        about = f"What does the {definition.kind} `{definition.name}` do?\n{header}"
    answer = "" if language.name == "English" else f"\nAnswer in {language.name}."
    return f"{about}{answer}"
