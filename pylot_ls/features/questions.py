"""Questions about a document, answered by a model that chats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.types import FinishReason, Priority
from pylot_ls.errors import RequestError
from pylot_ls.features.cleaning import clean
from pylot_ls.features.fences import fenced
from pylot_ls.features.listening import listen
from pylot_ls.features.repetition import repeats
from pylot_ls.language import Message
from pylot_ls.prompts.question import question_prompt
from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.engine import Engine
    from pylot_ls.language import Language
    from pylot_ls.prompts.question import About

_LANGUAGE = "Answer in {language}."
_EXPLAIN = "Explain what this part of the file does, and why it may be there, in a few sentences:"
_ABOUT_PART = "The question is about this part of the file:"
_MOST_TOKENS = 512
# The rest of a context is for the document.
_LEAST_SHARE = 4
# The document stands before the question; which part is meant needs no more than this of it.
_MOST_QUOTED = 2000
# The text of a special token is no longer.
_LONGEST_SPECIAL = 48


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says.

    Attributes:
        text: never empty.
        is_complete: whether it came to an end by itself.
    """

    text: str
    is_complete: bool


def explanation_question(about: About) -> str:
    """The question what a part of a document does."""
    return f"{_EXPLAIN}\n{quoted(about)}"


def own_question(about: About, question: str) -> str:
    """A user's question about a part of a document, or about all of it where the part is empty."""
    return question if about.start == about.end else f"{question}\n\n{_ABOUT_PART}\n{quoted(about)}"


async def answer(
    about: About,
    question: str,
    engine: Engine,
    language: Language,
    *,
    keep: bool = True,
    on_text: Callable[[str], None] = lambda _piece: None,
) -> Answer:
    """Put a question to a model. Cancelling ends its work.

    Args:
        about: the document and its part.
        question: made by ``explanation_question`` or ``own_question``.
        engine: of the role chat.
        language: to answer in.
        keep: as ``GenerateRequest`` has it.
        on_text: told of each piece of the answer as it comes.

    Raises:
        PylotError: there is no room for it, the engine failed, or the model said nothing.
    """
    model = await engine.ready()
    max_tokens = min(_MOST_TOKENS, model.n_ctx // _LEAST_SHARE)
    prompt = question_prompt(about, f"{question}\n{_LANGUAGE.format(language=language.name)}", model, max_tokens)
    text = ""

    def is_useless(received: str) -> bool:
        nonlocal text
        said = clean(received).lstrip()
        if len(said) > len(text):
            on_text(said[len(text) :])
            text = said
        return len(received.lstrip()) - len(said) > _LONGEST_SPECIAL or repeats(text)

    generation = engine.generate(prompt, max_tokens=max_tokens, priority=Priority.INTERACTIVE, keep=keep)
    heard = await listen(generation, is_useless)
    if not text.strip():
        raise RequestError(Message("the model said nothing; ask in other words, or choose another model"))
    return Answer(text.rstrip(), heard.reason is FinishReason.END)


def quoted(about: About) -> str:
    """The part in a fence that nothing in it closes; of a long one its beginning and its end."""
    start, end = about.start, about.end
    if end - start > _MOST_QUOTED:
        half = _MOST_QUOTED // 2
        part = f"{about.text.slice(start, start + half)}\n...\n{about.text.slice(end - half, end)}"
    else:
        part = about.text.slice(start, end)
    return fenced(with_line_feeds(part), about.language_id)
