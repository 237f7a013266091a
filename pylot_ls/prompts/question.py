"""Questions about a document for a model that chats: the document first, the question last. Pure.

What is asked about one document begins alike, so that the next question finds the KV of the document there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote

from pylot_ls.engine.prompt_types import ChatMessage, ChatSegment, Keep, TextSegment
from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.language import Message
from pylot_ls.prompts.layout import characters_of_window
from pylot_ls.prompts.window import window_end, with_line_feeds

if TYPE_CHECKING:
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.engine.types import ModelInfo
    from pylot_ls.text.document import Document
    from pylot_ls.text.rope import Text

# For what a template puts around the messages, and for a system message.
_RESERVED_TOKENS = 128
_SMALLEST_DOCUMENT_TOKENS = 64
# A token stands for at least half of the characters that windows of completions have for each: all of these fits.
_SPARE = 2
# A window moves by a third of itself: places that are near each other have one window, and a third follows each.
_STEPS_IN_WINDOW = 3
# Characters a token of a question stands for at least, on average.
_CHARACTERS_PER_QUESTION_TOKEN = 2

# The same for hovers, actions and questions, or what one has evaluated of a document would be of no use to another.
SYSTEM = (
    "You help a programmer with the source file that is shown. Do what is asked and nothing else. Explanations are one "
    "to three short sentences of plain text, unless more is asked for: what the thing in question does or is for, no "
    "more than the code shows, with no code, no list and no heading, and without the question."
)


@dataclass(frozen=True, slots=True)
class About:
    """What is asked about.

    Attributes:
        text: the document.
        language_id: LSP's name of its language.
        name: of its file, without folders; "" where it has none.
        start, end: the part of it, in characters.
    """

    text: Text
    language_id: str
    name: str
    start: int
    end: int

    @classmethod
    def of(cls, document: Document, start: int, end: int) -> Self:
        """A part of a document, whose name is the last part of its URI."""
        return cls(document.text, document.language_id, unquote(document.uri.rpartition("/")[2]), start, end)


def question_prompt(about: About, question: str, model: ModelInfo, max_tokens: int) -> Prompt:
    """The prompt that puts a question about a part of a document.

    Args:
        about: the document and its part, which the question has to quote if it matters which one it is.
        question: stands last, and says how to answer.
        model: that answers.
        max_tokens: that it may answer with.

    Raises:
        ModelUnsupportedError: the model's context has no room for them.
    """
    n_question = len(question) // _CHARACTERS_PER_QUESTION_TOKEN + 1
    n_document = model.n_ctx - max_tokens - n_question - _RESERVED_TOKENS
    if n_document < _SMALLEST_DOCUMENT_TOKENS:
        raise ModelUnsupportedError(
            Message(
                "a context of {n_ctx} tokens has no room for this question and {max_tokens} tokens of an "
                "answer; ask about "
                "less, or raise model.n_ctx",
                n_ctx=model.n_ctx,
                max_tokens=max_tokens,
            )
        )
    # In steps, so that questions of several lengths leave the document the same room.
    n_document -= n_document % _SMALLEST_DOCUMENT_TOKENS
    start, end = _window(about, characters_of_window(n_document) // _SPARE)
    shown = with_line_feeds(about.text.slice(start, end))
    title = f"{about.name} ({about.language_id})" if about.name else about.language_id
    content = (
        TextSegment(f"{title}:\n```{about.language_id}\n"),
        TextSegment(shown, n_document, Keep.START),
        TextSegment("\n```\n\n"),
        TextSegment(question, n_question, Keep.START),
    )
    return (ChatSegment((ChatMessage("system", (TextSegment(SYSTEM),)), ChatMessage("user", content))),)


def _window(about: About, n_characters: int) -> tuple[int, int]:
    """Whole lines around the part, as much as there is room for; all of a document that fits."""
    text = about.text
    if len(text) <= n_characters:
        return 0, len(text)
    step = max(1, n_characters // _STEPS_IN_WINDOW)
    # The window that begins in the step before the part's own: as much stands before it as a step at least.
    border = max(0, (about.start // step - 1) * step) if about.start < len(text) else max(0, len(text) - n_characters)
    start = text.line_start(text.line_of(border))
    if border - start > step:
        start = border
    return start, window_end(text, start, n_characters)
