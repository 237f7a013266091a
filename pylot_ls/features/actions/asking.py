"""How actions ask models, and what of an answer is no text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.engine.types import FinishReason, Hole, Priority
from pylot_ls.errors import ActionError
from pylot_ls.features.cleaning import clean
from pylot_ls.features.listening import listen
from pylot_ls.features.repetition import repeats
from pylot_ls.language import ENGLISH
from pylot_ls.prompts.layout import FimOptions
from pylot_ls.prompts.plan import make_plan
from pylot_ls.prompts.question import About, question_prompt

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from pylot_ls.engine.engine import Engine, GenerationEvent
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.features.actions.context import Context
    from pylot_ls.language import Language
    from pylot_ls.text.rope import Text


@dataclass(frozen=True, slots=True)
class Models:
    """How to reach the models.

    Attributes:
        fill: gives the engine that completes.
        chat: gives the engine that answers questions.
        options: how prompts of the first are laid out.
        session: whose requests these are.
        keep: whether what is evaluated of the document may be kept beyond the process.
        on_text: called with what is decoded so far.
    """

    fill: Callable[[], Awaitable[Engine]]
    chat: Callable[[], Awaitable[Engine]]
    options: FimOptions = field(default_factory=FimOptions)
    session: str = ""
    keep: bool = False
    on_text: Callable[[str], None] = lambda _text: None

    async def answer(self, context: Context, question: str, max_tokens: int, grammar: str = "") -> str:
        """What the chat model answers to a question about the document.

        ``grammar``: to which the answer is bound, see ``GenerateRequest``.

        Raises:
            ActionError: the answer is empty or endless, or holds what is no text.
            ModelError, EngineError: as ``Engine.ready`` and ``Engine.generate``.
        """
        engine = await self.chat()
        about = About.of(context.document, context.start, context.end)
        prompt = question_prompt(about, question, await engine.ready(), max_tokens)
        events = self._events(engine, prompt, max_tokens, grammar=grammar)
        return usable(await _collected(events, lambda _text: None, context.language, self.on_text), context.language)

    async def filled(  # noqa: PLR0917 - a hole, and how what is in it ends
        self,
        context: Context,
        text: Text,
        offset: int,
        max_tokens: int,
        stop: tuple[str, ...] = (),
        until: Callable[[str], str | None] = lambda _text: None,
        *,
        is_code: bool = False,
    ) -> str:
        """What the model that completes writes at a place of a text that the document may become.

        Args:
            context: whose language messages are in.
            text: the document with a hole.
            offset: where that is.
            max_tokens: the most tokens; with more to say the answer is endless.
            stop: texts that end it.
            until: what of a text is all of it; None while more may follow.
            is_code: whether what the session's documents hold is a help. What they say of something else is none.

        Raises:
            ActionError, ModelError, EngineError: as ``answer``.
        """
        engine = await self.fill()
        plan = make_plan(text, offset, await engine.ready(), self.options, max_tokens)
        hole = Hole(context.document.uri, text.line_of(plan.anchor.offset), text.line_of(plan.cursor))
        events = self._events(engine, plan.prompt, max_tokens, stop=stop, heal=True, hole=hole if is_code else None)
        return usable(await _collected(events, until, context.language, self.on_text), context.language)

    def _events(
        self,
        engine: Engine,
        prompt: Prompt,
        max_tokens: int,
        *,
        stop: tuple[str, ...] = (),
        grammar: str = "",
        heal: bool = False,
        hole: Hole | None = None,
    ) -> AsyncGenerator[GenerationEvent, None]:
        return engine.generate(
            prompt,
            max_tokens=max_tokens,
            stop=stop,
            priority=Priority.INTERACTIVE,
            session=self.session,
            keep=self.keep,
            grammar=grammar,
            heal=heal,
            hole=hole,
        )


async def _collected(
    generation: AsyncGenerator[GenerationEvent, None],
    until: Callable[[str], str | None],
    language: Language,
    on_text: Callable[[str], None],
) -> str:
    def is_enough(text: str) -> bool:
        if until(text) is not None or repeats(text):
            return True
        on_text(text)
        return False

    heard = await listen(generation, is_enough)
    part = until(heard.text)
    if part is None and (heard.reason is FinishReason.LENGTH or repeats(heard.text)):
        raise ActionError(language.say("The model did not come to an end; nothing was changed."))
    return heard.text if part is None else part


def usable(text: str, language: Language = ENGLISH) -> str:
    """A model's answer, if it is one.

    Raises:
        ActionError: it is empty, or holds special tokens or half characters.
    """
    if clean(text) != text:
        raise ActionError(language.say("The model's answer holds what is no text; nothing was changed."))
    if not text.strip():
        raise ActionError(language.say("The model had nothing to say; nothing was changed."))
    return text
