"""Messages of a conversation as a model was trained to read them. Pure: the template is a function it is given.

A template puts its own special tokens between the messages. They are special tokens only where the template has them:
what is said stays ordinary text, also where somebody writes ``<|im_end|>`` in it. So the template is filled with marks
in the place of what is said, and only what stands between the marks is tokenised as the template's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.engine.prompt_types import ROLES
from pylot_ls.errors import ModelUnsupportedError, RequestError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.engine.prompt_types import ChatSegment, TextSegment

    Tokens = tuple[int, ...]
    # Roles and what each says, and whether the answer is begun; None where the template is of a form that is not known.
    Template = Callable[[Sequence[tuple[str, str]], bool], str | None]

# Control characters, which templates neither trim nor look for.
_MARK = "\x02{number}\x03"
_MARKS = re.compile(r"\x02(\d+)\x03")
# What no template says anything of.
_NO_ROLE = "nobody"


class ChatForm:
    """Lays out conversations for one model.

    Args:
        template: fills the model's template.
        tokenize: the template's own text to tokens, special tokens included.
        bos: the token that begins texts; None where none does.
        tokenize_further: the same for what follows a message, where a vocabulary begins texts with a space of its own;
            None where it is ``tokenize``.
    """

    def __init__(
        self,
        template: Template,
        tokenize: Callable[[str], Tokens],
        bos: int | None,
        tokenize_further: Callable[[str], Tokens] | None = None,
    ) -> None:
        self._template = template
        self._tokenize = tokenize
        self._tokenize_further = tokenize_further or tokenize
        self._bos = bos

    @property
    def is_known(self) -> bool:
        """Whether a question can be put at all."""
        return self._pieces(["user"], opens_answer=True) is not None

    def render(self, conversation: ChatSegment, tokens_of: Callable[[TextSegment], Tokens]) -> Tokens:
        """The tokens of a conversation.

        Args:
            conversation: it.
            tokens_of: ordinary text to tokens, cut to its limit.

        Raises:
            ModelUnsupportedError: the model has no template.
            RequestError: nothing is said, or by somebody unknown, or the template has no place for it.
        """
        messages, roles = conversation.messages, [message.role for message in conversation.messages]
        _check(roles)
        pieces = self._pieces(self._known(roles), conversation.opens_answer)
        if pieces is None and self.is_known:
            raise RequestError(
                f"the model's chat format has no place for messages of the roles {', '.join(roles[:20])} in this "
                "order; let a user's come last, and a system's first, or leave that out"
            )
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
                tokens.extend(self._tokenize_further(piece) if tokens else self._tokenize(piece))
            else:
                for segment in messages[piece].content:
                    tokens.extend(tokens_of(segment))
        begins = self._bos is not None and tokens[:1] != [self._bos]
        return ((self._bos,) if begins and self._bos is not None else ()) + tuple(tokens)

    def _known(self, roles: Sequence[str]) -> Sequence[str]:
        """The roles, with the user's where a template does not tell a tool from anybody that it does not know.

        Such a template drops what a tool says, or takes it for the assistant's own.
        """
        if "tool" not in roles:
            return roles
        fillings = [self._filled([other if role == "tool" else role for role in roles]) for other in ("tool", _NO_ROLE)]
        return ["user" if role == "tool" else role for role in roles] if fillings[0] == fillings[1] else roles

    def _filled(self, roles: Sequence[str], opens_answer: bool = True) -> str | None:  # noqa: FBT001, FBT002 - a flag
        return self._template([(role, _MARK.format(number=n)) for n, role in enumerate(roles)], opens_answer)

    def _pieces(self, roles: Sequence[str], opens_answer: bool) -> list[str | int] | None:  # noqa: FBT001 - a flag
        """The template's texts and, between them, the numbers of the messages; None where one is not in it once."""
        text = self._filled(roles, opens_answer)
        if text is None:
            return None
        parts = _MARKS.split(text)
        numbers = [int(number) for number in parts[1::2]]
        if sorted(numbers) != list(range(len(roles))):
            return None
        return [int(part) if index % 2 else part for index, part in enumerate(parts) if index % 2 or part]


def _check(roles: Sequence[str]) -> None:
    if not roles:
        raise RequestError("the conversation has no messages; give one of the role user at least")
    unknown = next((role for role in roles if role not in ROLES), None)
    if unknown is not None:
        # Roles are part of the template's text: what somebody made up could be a special token.
        raise RequestError(f"there is no role {unknown[:40]!r} in a conversation; the roles are {', '.join(ROLES)}")
