"""From the segments of a prompt to tokens: cut to their limits, with what was tokenised before remembered. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pylot_ls.engine.types import ChatSegment, Keep, Marker, Prompt, TextSegment
from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylot_ls.engine.chat import ChatForm

Tokens = tuple[int, ...]

# A prompt and its fallbacks have some twenty texts, and only one of them changes at a keystroke.
_REMEMBERED_TEXTS = 64


class PromptRenderer:
    """Renders prompts for one vocabulary.

    Args:
        tokenize: ordinary text to tokens, with no special tokens and none added.
        markers: ids of the special tokens that the model has. A model that begins texts with no BOS maps it to None:
            the marker then stands for nothing.
        chat: lays out conversations; None where there are none.
    """

    def __init__(
        self, tokenize: Callable[[str], Tokens], markers: Mapping[Marker, int | None], chat: ChatForm | None = None
    ) -> None:
        self._tokenize = tokenize
        self._markers = markers
        self._chat = chat
        self._remembered: OrderedDict[str, Tokens] = OrderedDict()

    def render(self, prompt: Prompt) -> Tokens:
        """The prompt's tokens.

        Raises:
            ModelUnsupportedError: the prompt has a marker that the model lacks, or a conversation that it cannot have.
        """
        tokens: list[int] = []
        for segment in prompt:
            if isinstance(segment, TextSegment):
                tokens.extend(self._text(segment))
            elif isinstance(segment, ChatSegment):
                tokens.extend(self._conversation(segment))
            else:
                tokens.extend(self._marker(segment.marker))
        return tuple(tokens)

    def n_last(self, prompt: Prompt) -> int:
        """How many of the prompt's tokens are those of a text at its end."""
        last = prompt[-1] if prompt else None
        return len(self._text(last)) if isinstance(last, TextSegment) else 0

    def _text(self, segment: TextSegment) -> Tokens:
        return cut(self._tokens_of(segment.text), segment)

    def _conversation(self, segment: ChatSegment) -> Tokens:
        if self._chat is None:
            raise ModelUnsupportedError(
                Message("the model cannot have conversations; choose another for the role chat")
            )
        return self._chat.render(segment.messages, self._text)

    def _marker(self, marker: Marker) -> Tokens:
        if marker not in self._markers:
            raise ModelUnsupportedError(
                Message(
                    "the model has no {marker} token, which this prompt needs; use a model trained for "
                    "fill-in-the-middle",
                    marker=marker.value,
                )
            )
        token = self._markers[marker]
        return () if token is None else (token,)

    def _tokens_of(self, text: str) -> Tokens:
        known = self._remembered.get(text)
        if known is None:
            known = self._remembered[text] = self._tokenize(text) if text else ()
            if len(self._remembered) > _REMEMBERED_TEXTS:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end(text)
        return known


def cut(tokens: Tokens, segment: TextSegment) -> Tokens:
    """The tokens that the segment's limit leaves, cut in whole steps from the end that may go."""
    if segment.max_tokens is None or len(tokens) <= segment.max_tokens:
        return tokens
    step = max(1, segment.cut_step)
    n_over = len(tokens) - segment.max_tokens
    n_cut = min(len(tokens), -(-n_over // step) * step)
    return tokens[n_cut:] if segment.keep is Keep.END else tokens[: len(tokens) - n_cut]
