"""How many tokens of a prompt are for what. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.errors import ModelUnsupportedError

if TYPE_CHECKING:
    from pylot_ls.engine.types import FimOrder, ModelInfo

# Tokens of a window are cut in steps of this many: its start then moves once in so many tokens typed.
CUT_STEP = 64
# Characters a token stands for at most, on average over code; windows are cut by characters first, so that a huge
# file costs no more to tokenise than its window, and by tokens, exactly, when the prompt is rendered.
CHARACTERS_PER_TOKEN = 6
# Characters a token stands for at least, on average over what is being typed: it is to fit as a whole.
_CHARACTERS_PER_TYPED_TOKEN = 2
# What is typed in one hole grows no longer than this: models are trained on middles of some lines.
_MOST_TYPED = 1000
_MARKERS = 4
_HEAD_SHARE = 0.15


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
    """The limits of a prompt's parts, in tokens; they do not depend on the text, or borders would move with it."""

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
                f"the model {model.name} has no fill-in-the-middle tokens, so it cannot complete at a cursor; "
                "choose a code model that has them",
            )
        budget = model.n_ctx - max_tokens - _MARKERS
        n_typed = min(_MOST_TYPED // _CHARACTERS_PER_TYPED_TOKEN, budget // 8)
        n_prefix = int((budget - n_typed) * options.prefix_share)
        n_suffix = budget - n_typed - n_prefix
        if min(n_prefix, n_suffix) <= CUT_STEP // 4:
            raise ModelUnsupportedError(
                f"a context of {model.n_ctx} tokens has no room for {max_tokens} new ones and a prompt; "
                "lower completion.max_tokens or raise model.n_ctx",
            )
        return cls(options.order or model.fim_orders[0], n_prefix, n_suffix, n_typed)

    @property
    def typed_characters(self) -> int:
        """The most characters that may stand after the middle token."""
        return self.n_typed * _CHARACTERS_PER_TYPED_TOKEN

    @property
    def head_characters(self) -> int:
        """The most characters for the file's head."""
        return int(self.n_prefix * _HEAD_SHARE * _CHARACTERS_PER_TYPED_TOKEN)

    @property
    def prefix_step(self) -> int:
        """Tokens by which the prefix is cut."""
        return min(CUT_STEP, max(1, self.n_prefix // 4))
