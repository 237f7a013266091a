"""Asking a model what something is: through its chat form, or through a hole where documentation stands."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.types import FinishReason, Priority, Usage
from pylot_ls.errors import ModelError, ModelUnsupportedError, RequestError
from pylot_ls.features.hover.subject import definition_in
from pylot_ls.features.hover.wording import is_enough, prose
from pylot_ls.features.listening import listen
from pylot_ls.features.questions import quoted
from pylot_ls.language import Message
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

NONE_EXPLAINS = Message(
    "no model here explains code: choose one that chats (pylot-ls models use NAME --role chat), or one that was "
    "trained to fill in the middle (pylot-ls models use NAME)"
)
_DEFINITIONS_ALONE = Message(
    "this model explains functions and classes alone: put the cursor into one, or choose a model that chats "
    "(pylot-ls models use NAME --role chat)"
)
_CHAT_TOKENS = 160
# Of models that fill holes only larger ones are asked by who only points at something. What the bundled one says, with
# 3 million parameters, is wrong more than nine times in ten, and it is surest of itself where it repeats what documents
# its neighbours (see bench/LOG.md). The smallest that people take have half a thousand million.
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


async def explaining_engine(pool: ModelPool, suits: Callable[[ModelInfo], bool]) -> tuple[Engine, ModelInfo] | None:
    """The model that explains: the one that chats, else the one that completes; None where neither suits."""
    for role in (Role.CHAT, Role.COMPLETE):
        try:
            engine = await pool.engine(role)
        except ModelError as error:
            _log.info("the model of the role %s does not explain: %s", role, error)
            continue
        info = await engine.ready()
        if suits(info):
            return engine, info
    return None


async def chosen_engine(pool: ModelPool) -> tuple[Engine, ModelInfo]:
    """The model that explains to who asks for it.

    Raises:
        ModelError: there is none, or why the one that was chosen for it is of no use.
        EngineClosedError: the pool was closed.
    """
    found = await explaining_engine(pool, explains)
    if found is None:
        await pool.engine(Role.CHAT if pool.has_own(Role.CHAT) else Role.COMPLETE)
        raise ModelUnsupportedError(NONE_EXPLAINS)
    return found


def explains(model: ModelInfo) -> bool:
    """Whether a model can be asked what something is: all that chat, and those that fill holes."""
    return model.chats or model.fim is not None


def explains_unasked(model: ModelInfo) -> bool:
    """Whether what it says is worth reading for who has not asked: of those that fill holes larger ones."""
    return model.chats or (model.fim is not None and model.n_params >= _LEAST_PARAMETERS)


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


async def explain_definition(
    document: Document,
    places: tuple[int, int],
    engine: Engine,
    language: Language,
    options: FimOptions | None = None,
    *,
    session: str = "",
    keep: bool = False,
) -> Explanation:
    """What a model that only completes says of the definition around a part of a document.

    Args:
        document: of which it is a part.
        places: where the part starts and ends, in characters.
        engine: of the model.
        language: in which it is to explain, if it can be told.
        options: how completions are laid out.
        session: whose request it is.
        keep: whether the KV of the document may be kept.

    Raises:
        RequestError: there is no definition that it could document, or it said nothing worth reading.
        ModelError, EngineError: as ``Engine.ready`` and ``explain``.
    """
    subject = await definition_in(document, *places)
    asked = None if subject is None else ask_about(document, subject, await engine.ready(), language, options)
    if asked is None:
        raise RequestError(_DEFINITIONS_ALONE)
    explanation = await explain(asked, engine, session=session, keep=keep)
    if not explanation.text:
        raise RequestError(Message("the model said nothing worth reading; choose another model"))
    return explanation


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
    stop = asked.form.stop if asked.form else ()
    generation = engine.generate(
        asked.prompt,
        max_tokens=asked.max_tokens,
        stop=stop,
        priority=Priority.INTERACTIVE,
        session=session,
        keep=keep,
        heal=asked.form is not None,
    )

    def has_said_enough(received: str) -> bool:
        words, has_ended = _words(asked, received)
        if has_ended or is_enough(words):
            return True
        on_text(prose(words, is_over=False))
        return False

    heard = await listen(generation, has_said_enough)
    words, has_ended = _words(asked, heard.text)
    is_over = has_ended or heard.reason in {FinishReason.END, FinishReason.STOP}
    return Explanation(prose(words, is_over=is_over), heard.confidence, heard.usage)


def _words(asked: Asked, received: str) -> tuple[str, bool]:
    if asked.form is None:
        return received, False
    words, has_ended = asked.form.text_of(received)
    return asked.begun + words, has_ended


def _question(document: Document, subject: Subject, language: Language) -> str:
    """It quotes what it is about: the part of the document that is shown is not marked."""
    definition = subject.definition
    if not subject.is_name:
        about = f"What does this code do?\n{quoted(About.of(document, subject.start, subject.end))}"
        if subject.name != subject.line and "\n" not in subject.name:
            about = f"{about}\nIt is a part of this line:\n{subject.line[:_MOST_QUOTED]}"
    elif definition is None:
        about = f"What is `{subject.name}` in this line?\n{subject.line[:_MOST_QUOTED]}"
    else:
        span = definition.signature
        header = with_line_feeds(document.text.slice(span.start, min(span.end, span.start + _MOST_QUOTED)))
        about = f"What does the {definition.kind} `{definition.name}` do?\n{header}"
    answer = "" if language.name == "English" else f"\nAnswer in {language.name}."
    return f"{about}{answer}"
