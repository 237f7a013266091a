"""Messages of a conversation as a model was trained to read them. Pure: the template is a function it is given.

A template puts its own special tokens between the messages. They are special tokens only where the template has them:
what is said stays ordinary text, also where somebody writes ``<|im_end|>`` in it. So the template is filled with marks
in the place of what is said, and only what stands between the marks is tokenised as the template's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.prompt_types import ChatMessage, TextSegment

    Tokens = tuple[int, ...]
    # Roles and what each says; None where the template is of a form that is not known.
    Template = Callable[[Sequence[tuple[str, str]]], str | None]

# Control characters, which templates neither trim nor look for.
_MARK = "\x02{number}\x03"
_MARKS = re.compile(r"\x02(\d+)\x03")


class ChatForm:
    """Lays out conversations for one model.

    Args:
        template: fills the model's template, up to where the answer begins.
        tokenize: the template's own text to tokens, special tokens included.
        bos: the token that begins texts; None where none does.
    """

    def __init__(self, template: Template, tokenize: Callable[[str], Tokens], bos: int | None) -> None:
        self._template = template
        self._tokenize = tokenize
        self._bos = bos

    @property
    def is_known(self) -> bool:
        """Whether a question can be put at all."""
        return self._pieces([("user", _MARK.format(number=0))], 1) is not None

    def render(self, messages: Sequence[ChatMessage], tokens_of: Callable[[TextSegment], Tokens]) -> Tokens:
        """The tokens of a conversation, up to where the answer begins.

        Args:
            messages: in order; those of the role "system" stand first.
            tokens_of: ordinary text to tokens, cut to its limit.

        Raises:
            ModelUnsupportedError: the model has no template, or it has no place for these messages.
        """
        marked = [(message.role, _MARK.format(number=number)) for number, message in enumerate(messages)]
        pieces = self._pieces(marked, len(messages))
        if pieces is None:
            raise ModelUnsupportedError(
                Message(
                    "the model has no chat format that llama.cpp knows; choose an instruct model for the role chat, or "
                    "name its format in a manifest ([chat] format)"
                )
            )
        tokens: list[int] = []
        for piece in pieces:
            if isinstance(piece, str):
                tokens.extend(self._tokenize(piece))
            else:
                for segment in messages[piece].content:
                    tokens.extend(tokens_of(segment))
        begins = self._bos is not None and tokens[:1] != [self._bos]
        return ((self._bos,) if begins and self._bos is not None else ()) + tuple(tokens)

    def _pieces(self, marked: Sequence[tuple[str, str]], n_messages: int) -> list[str | int] | None:
        """The template's texts and, between them, the numbers of the messages; None where one is not in it once."""
        text = self._template(marked)
        if text is None:
            return None
        parts = _MARKS.split(text)
        numbers = [int(number) for number in parts[1::2]]
        if sorted(numbers) != list(range(n_messages)):
            return None
        return [int(part) if index % 2 else part for index, part in enumerate(parts) if index % 2 or part]
