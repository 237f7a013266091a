"""How many tokens of a prompt are for what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.language import Message
from pylot_ls.prompts.window import with_line_feeds
from pylot_ls.text.chunk import utf8_length

if TYPE_CHECKING:
    from pylot_ls.engine.prompt_types import FimOrder
    from pylot_ls.engine.types import ModelInfo

# Tokens of a window are cut in steps of this many: its start then moves once in so many tokens typed.
_CUT_STEP = 64
# Characters a token stands for at most, on average over code; windows are cut by characters first, so that a huge
# file costs no more to tokenise than its window, and by tokens, exactly, when the prompt is rendered.
_CHARACTERS_PER_WINDOW_TOKEN = 6
# Characters a token stands for on average over imports. The head is chosen by whole lines, so this leaves some room.
_CHARACTERS_PER_HEAD_TOKEN = 3
# Characters of ASCII a token stands for at least, on average over what is typed: it is to fit as a whole.
_CHARACTERS_PER_TYPED_TOKEN = 2

# What is typed in one hole grows no longer than this; the share bounds it in small contexts.
_MOST_TYPED_CHARACTERS = 1000
_MOST_TYPED_SHARE = 1 / 4
# From these on a fresh anchor is prepared in the background. They are as far as was measured, and not where it gets
# worse: with the bundled model middles of 20 lines and 800 characters complete a line no worse than those of 2 lines,
# and better than those that begin with the line. The share leaves time to prepare before the room is used up.
_LONG_CHARACTERS = 700
_LONG_LINES = 20
_LONG_SHARE = 3 / 4

# The text after the hole is evaluated again wherever somebody begins to type, and what stands further down says little.
_MOST_SUFFIX_TOKENS = 512

_HEAD_SHARE = 0.15
_MARKERS = 4


@dataclass(frozen=True, slots=True)
class FimOptions:
    """How prompts are laid out.

    Attributes:
        order: None for the model's own.
        anchored: whether what was typed since the anchor stands after the middle token.
        prefix_share: fraction of the prompt's tokens for the text before the cursor.
    """

    order: FimOrder | None = None
    anchored: bool = True
    prefix_share: float = 0.7


@dataclass(frozen=True, slots=True)
class Layout:
    """The limits of a prompt's parts, in tokens.

    They do not depend on the text: limits that followed the typing would move the windows' borders with it.

    Attributes:
        order: which half stands first.
        n_prefix, n_suffix: for the text before the anchor, the file's head included, and for the text after the hole.
        n_typed: for what is typed in the hole; reserved whether it is used or not.
    """

    order: FimOrder
    n_prefix: int
    n_suffix: int
    n_typed: int

    @classmethod
    def of(cls, model: ModelInfo, options: FimOptions, max_tokens: int) -> Layout:
        """The limits that leave room for ``max_tokens`` to be decoded.

        Raises:
            ModelUnsupportedError: the model has no fill-in-the-middle tokens, or too small a context.
        """
        if model.fim is None:
            raise ModelUnsupportedError(
                Message(
                    "the model {model} has no fill-in-the-middle tokens, so it cannot complete at a cursor; "
                    "choose a code "
                    "model that has them",
                    model=model.name,
                )
            )
        budget = model.n_ctx - max_tokens - _MARKERS
        n_typed = min(_MOST_TYPED_CHARACTERS // _CHARACTERS_PER_TYPED_TOKEN, int(budget * _MOST_TYPED_SHARE))
        n_prefix = int((budget - n_typed) * options.prefix_share)
        n_suffix = min(budget - n_typed - n_prefix, _MOST_SUFFIX_TOKENS)
        if min(n_prefix, n_suffix) <= _CUT_STEP // 4:
            raise ModelUnsupportedError(
                Message(
                    "a context of {n_ctx} tokens has no room for {max_tokens} new ones and a prompt; lower "
                    "completion.max_tokens or raise model.n_ctx",
                    n_ctx=model.n_ctx,
                    max_tokens=max_tokens,
                )
            )
        return cls(options.order or model.fim_orders[0], n_prefix, n_suffix, n_typed)

    def smaller(self, share_of_prefix: float, share_of_suffix: float) -> Layout:
        """With less before and after the hole; what is typed in it has the room that it had."""
        return replace(
            self,
            n_prefix=max(1, int(self.n_prefix * share_of_prefix)),
            n_suffix=max(1, int(self.n_suffix * share_of_suffix)),
        )

    @property
    def n_head(self) -> int:
        """Tokens of ``n_prefix`` that the file's head may take."""
        return int(self.n_prefix * _HEAD_SHARE)

    @property
    def head_characters(self) -> int:
        """The most characters of the file's head."""
        return self.n_head * _CHARACTERS_PER_HEAD_TOKEN

    @property
    def typed_characters(self) -> int:
        """The most characters that may be typed in the hole."""
        return self.n_typed * _CHARACTERS_PER_TYPED_TOKEN

    @property
    def long_characters(self) -> int:
        """More characters than this in the hole are many: a fresh anchor would do better."""
        return min(_LONG_CHARACTERS, int(self.typed_characters * _LONG_SHARE))

    def cut_step(self, n_tokens: int) -> int:
        """By how many tokens at a time a text of at most ``n_tokens`` is cut at its start."""
        return max(1, min(_CUT_STEP, n_tokens // 4))

    def has_room_for(self, typed: str) -> bool:
        """Whether the hole holds this much."""
        return _weight(typed) <= self.typed_characters

    def is_long(self, typed: str) -> bool:
        """Whether what was typed in the hole is so long that a fresh anchor ought to be prepared."""
        return _weight(typed) > self.long_characters or with_line_feeds(typed).count("\n") >= _LONG_LINES


def characters_of_window(n_tokens: int) -> int:
    """How many characters to look at in order to fill so many tokens."""
    return n_tokens * _CHARACTERS_PER_WINDOW_TOKEN


def _weight(typed: str) -> int:
    """Length in characters of ASCII that may take as many tokens.

    Of other characters a vocabulary may know none, and then each of their bytes is a token.
    """
    if typed.isascii():
        return len(typed)
    n_ascii = len(typed.encode("ascii", "ignore"))
    return n_ascii + (utf8_length(typed) - n_ascii) * _CHARACTERS_PER_TYPED_TOKEN
