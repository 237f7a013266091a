"""Fill-in-the-middle prompts of a document at a cursor. Pure.

The anchored middle: a plain prompt ``[PRE] prefix [SUF] suffix [MID]`` grows in its middle as the user types, so the
whole suffix is evaluated again at every keystroke. Here prefix and suffix end at an anchor, the start of the
cursor's line, and what has been typed since stands after the middle token: it is the beginning of the middle, which
is what the model was trained to continue. A keystroke then only appends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.engine.types import (
    FimOrder,
    Keep,
    Marker,
    MarkerSegment,
    ModelInfo,
    Prompt,
    TextSegment,
)
from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.prompts.window import text_after, text_before

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text

# Characters a token stands for at most, on average over code; windows are cut by characters first, so that a huge
# file costs no more to tokenise than its window, and by tokens, exactly, when the prompt is rendered.
_CHARACTERS_PER_TOKEN = 6
# Tokens of a window are cut in steps of this many: its start then moves once in so many tokens typed.
_CUT_STEP = 64
# A line typed further than this is anchored at the cursor: a model that saw so long a middle is rare.
_LONGEST_TYPED = 400
# Characters a token stands for at least, on average over the line being typed: what was typed is to fit as a whole.
_CHARACTERS_PER_TYPED_TOKEN = 2
_MARKERS = 4


@dataclass(frozen=True, slots=True)
class FimOptions:
    """How prompts are laid out.

    Attributes:
        order: None for the model's own.
        anchored: whether what was typed since the line's start stands after the middle token.
        prefix_share: fraction of the prompt's tokens for the text before the cursor.
    """

    order: FimOrder | None = None
    anchored: bool = True
    prefix_share: float = 0.7


def fim_prompt(text: Text, offset: int, model: ModelInfo, options: FimOptions, max_tokens: int) -> Prompt:
    """The prompt that asks for what stands at an offset.

    Args:
        text: the document.
        offset: of the cursor, in characters.
        model: tells the order, and how many tokens there is room for.
        options: see FimOptions.
        max_tokens: how many tokens will be decoded, for which room is left.

    Raises:
        ModelUnsupportedError: the model has no fill-in-the-middle tokens, or too small a context.
    """
    if model.fim is None:
        raise ModelUnsupportedError(
            f"the model {model.name} has no fill-in-the-middle tokens, so it cannot complete at a cursor; "
            "choose a code model that has them",
        )
    budget = model.n_ctx - max_tokens - _MARKERS
    # Reserved whether it is used or not: limits that followed the typing would move the windows' borders with it.
    n_typed = min(_LONGEST_TYPED // _CHARACTERS_PER_TYPED_TOKEN, budget // 8)
    anchor = _anchor(text, offset, n_typed * _CHARACTERS_PER_TYPED_TOKEN) if options.anchored else offset
    typed = text.slice(anchor, offset)
    n_prefix = int((budget - n_typed) * options.prefix_share)
    n_suffix = budget - n_typed - n_prefix
    if min(n_prefix, n_suffix) <= _CUT_STEP // 4:
        raise ModelUnsupportedError(
            f"a context of {model.n_ctx} tokens has no room for {max_tokens} new ones and a prompt; "
            "lower completion.max_tokens or raise model.n_ctx",
        )
    prefix = TextSegment(
        text_before(text, anchor, n_prefix * _CHARACTERS_PER_TOKEN),
        n_prefix,
        Keep.END,
        min(_CUT_STEP, n_prefix // 4),
    )
    suffix = TextSegment(text_after(text, offset, n_suffix * _CHARACTERS_PER_TOKEN), n_suffix, Keep.START)
    middle = TextSegment(typed, n_typed, Keep.END, max(1, n_typed // 4))
    return _in_order(options.order or model.fim_orders[0], prefix, suffix, middle)


def _anchor(text: Text, offset: int, longest: int) -> int:
    """Start of the cursor's line, before its indentation; the cursor itself where that is further than ``longest``."""
    start = text.line_start(text.line_of(offset))
    return start if offset - start <= longest else offset


def _in_order(order: FimOrder, prefix: TextSegment, suffix: TextSegment, middle: TextSegment) -> Prompt:
    before = (MarkerSegment(Marker.FIM_PREFIX), prefix)
    after = (MarkerSegment(Marker.FIM_SUFFIX), suffix)
    halves = (*before, *after) if order is FimOrder.PSM else (*after, *before)
    return (MarkerSegment(Marker.BOS), *halves, MarkerSegment(Marker.FIM_MIDDLE), middle)
