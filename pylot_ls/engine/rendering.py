"""From the segments of a prompt to tokens: cut to their limits, with what was tokenised before remembered. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from pylot_ls.engine.prompt_types import ChatSegment, Keep, Marker, Prompt, TextSegment, TokensSegment
from pylot_ls.errors import ModelUnsupportedError, RequestError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pylot_ls.engine.chat import ChatForm

Tokens = tuple[int, ...]

# A prompt and its fallbacks have some twenty texts, and only one of them changes at a keystroke.
_REMEMBERED_TEXTS = 64
# A token's id is a number of 32 bits.
_MOST_TOKENS = 2**31


class PromptRenderer:
    """Renders prompts for one vocabulary.

    Args:
        tokenize: ordinary text to tokens, with no special tokens and none added.
        markers: ids of the special tokens that the model has. A model that begins texts with no BOS maps it to None:
            the marker then stands for nothing.
        chat: lays out conversations; None where there are none.
        special: as ``tokenize``, but special tokens spelt out in the text become those tokens; None where there are
            none to be spelt.
        opening: as ``special``, for what begins a text; None where that makes no difference.
        n_vocab: how many tokens there are.
    """

    def __init__(
        self,
        tokenize: Callable[[str], Tokens],
        markers: Mapping[Marker, int | None],
        chat: ChatForm | None = None,
        *,
        special: Callable[[str], Tokens] | None = None,
        opening: Callable[[str], Tokens] | None = None,
        n_vocab: int = _MOST_TOKENS,
    ) -> None:
        special = special or tokenize
        # By whether special tokens count, and whether it is the beginning of a text.
        self._tokenizers = {
            (False, False): tokenize,
            (False, True): tokenize,
            (True, False): special,
            (True, True): opening or special,
        }
        self._markers = markers
        self._chat = chat
        self._n_vocab = n_vocab
        self._remembered: OrderedDict[tuple[str, tuple[bool, bool]], Tokens] = OrderedDict()

    def render(self, prompt: Prompt) -> Tokens:
        """The prompt's tokens.

        Raises:
            ModelUnsupportedError: the prompt has a marker that the model lacks, or a conversation that it cannot have.
            RequestError: it has a token that there is not, or a conversation that cannot be laid out.
        """
        tokens: list[int] = []
        for segment in prompt:
            if isinstance(segment, TextSegment):
                tokens.extend(self._text(segment))
            elif isinstance(segment, TokensSegment):
                tokens.extend(self._given(segment))
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
        return cut(self._tokens_of(segment.text, (segment.special, segment.opens)), segment)

    def _given(self, segment: TokensSegment) -> Tokens:
        unknown = next((token for token in segment.tokens if not 0 <= token < self._n_vocab), None)
        if unknown is not None:
            raise RequestError(f"there is no token {unknown}; those of the model are 0 to {self._n_vocab - 1}")
        return segment.tokens

    def _conversation(self, segment: ChatSegment) -> Tokens:
        if self._chat is None:
            raise ModelUnsupportedError(
                Message("the model cannot have conversations; choose another for the role chat")
            )
        return self._chat.render(segment, self._text)

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

    def _tokens_of(self, text: str, kind: tuple[bool, bool]) -> Tokens:
        key = text, kind
        known = self._remembered.get(key)
        if known is None:
            known = self._remembered[key] = self._tokenizers[kind](text) if text else ()
            if len(self._remembered) > _REMEMBERED_TEXTS:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end(key)
        return known


def cut(tokens: Tokens, segment: TextSegment) -> Tokens:
    """The tokens that the segment's limit leaves, cut in whole steps from the end that may go."""
    if segment.max_tokens is None or len(tokens) <= segment.max_tokens:
        return tokens
    step = max(1, segment.cut_step)
    n_over = len(tokens) - segment.max_tokens
    n_cut = min(len(tokens), -(-n_over // step) * step)
    return tokens[n_cut:] if segment.keep is Keep.END else tokens[: len(tokens) - n_cut]
