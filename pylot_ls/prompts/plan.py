"""Which prompt to ask with at a cursor, and which to prepare for later. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pylot_ls.prompts.anchor import Anchor
from pylot_ls.prompts.drift import Drift
from pylot_ls.prompts.fallbacks import fallbacks
from pylot_ls.prompts.layout import FimOptions, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.engine.types import ModelInfo
    from pylot_ls.text.rope import Text

# Measured with the bundled model over 2,000 holes: with 3 to 5 lines in the middle it completes half as many lines
# again as with none, and more lines gain nothing more.
_LINES_ABOVE = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate.

    Attributes:
        prompt: for the request at hand.
        anchor: what it stands on; to be given to the next ``make_plan`` of the document.
        cursor: what it was made for, never within a line terminator.
        fallbacks: smaller prompts for the request, the best first.
        successor: the anchor that ought to take its place, once ``prepare`` has been evaluated in the background.
        prepare: the successor's prompt as of now; empty where there is no successor.
    """

    prompt: Prompt
    anchor: Anchor
    cursor: int
    fallbacks: tuple[Prompt, ...] = ()
    successor: Anchor | None = None
    prepare: Prompt = ()


def make_plan(  # noqa: PLR0917 - the first five are what every prompt needs
    text: Text,
    cursor: int,
    model: ModelInfo,
    options: FimOptions,
    max_tokens: int,
    current: Anchor | None = None,
    earlier: Sequence[Anchor] = (),
) -> Plan:
    """The plan for a cursor.

    Args:
        text: the document.
        cursor: offset in characters, not beyond the text.
        model: tells the order, and how many tokens there is room for.
        options: see FimOptions; not anchored, the prompt stands on an anchor at the cursor, which is never kept.
        max_tokens: how many tokens will be decoded.
        current: the anchor of the plan before, of the same document.
        earlier: those before it. Where one of them stands and the current one does not, as after an undo, its prompt
            was evaluated before.

    Raises:
        ModelUnsupportedError: the model has no fill-in-the-middle tokens, or too small a context.
    """
    layout = Layout.of(model, options, max_tokens)
    if text.slice(cursor - 1, cursor + 1) == "\r\n":
        cursor -= 1  # between the two there is no place, and half a terminator would count as a whole one
    if not options.anchored:
        at_cursor = Anchor.at(text, cursor, cursor, layout)
        return Plan(at_cursor.prompt_for(text, cursor), at_cursor, cursor)
    anchor, drift = _standing(text, cursor, layout, (current, *earlier))
    if anchor is None:
        return _stand_on(_fresh(text, cursor, layout), text, cursor)
    plan = _stand_on(anchor, text, cursor)
    is_long = layout.is_long(text.slice(anchor.offset, cursor))
    if not (is_long or drift is Drift.SMALL or anchor.is_outdated(text)):
        return plan
    successor = _fresh(text, cursor, layout)
    if successor == anchor:
        return plan
    return replace(plan, successor=successor, prepare=successor.prompt_for(text, cursor))


def _stand_on(anchor: Anchor, text: Text, cursor: int) -> Plan:
    return Plan(anchor.prompt_for(text, cursor), anchor, cursor, fallbacks(anchor, text, cursor))


def _standing(text: Text, cursor: int, layout: Layout, anchors: Sequence[Anchor | None]) -> tuple[Anchor | None, Drift]:
    """The first of the anchors that still stands, where it stands now, and how far the suffix has drifted."""
    for each in anchors:
        anchor = _found_again(text, cursor, layout, each)
        drift = anchor.suffix_drift(text, cursor) if anchor else Drift.LARGE
        if drift is not Drift.LARGE:
            return anchor, drift
    return None, Drift.LARGE


def _found_again(text: Text, cursor: int, layout: Layout, current: Anchor | None) -> Anchor | None:
    """An anchor where it stands now; None when the cursor is not behind it or the hole is full."""
    if current is None or current.layout != layout:
        return None
    offset = current.find(text, cursor)
    if offset is None or not layout.has_room_for(text.slice(offset, cursor)):
        return None
    return current if offset == current.offset else replace(current, offset=offset)


def _fresh(text: Text, cursor: int, layout: Layout) -> Anchor:
    """A new anchor at the start of a line, before its indentation: some lines above the cursor's.

    The lines above are given as the beginning of the middle, which makes suggestions better. In a line longer than a
    hole ought to be it stands at a multiple of that length, so that it rests there, too. Where even that leaves more
    than the hole holds, it is at the cursor.
    """
    line = text.line_of(cursor)
    starts = (text.line_start(number) for number in range(max(0, line - _LINES_ABOVE), line + 1))
    start = next((each for each in starts if cursor - each <= layout.long_characters // 2), text.line_start(line))
    step = layout.long_characters
    offset = start + max(0, cursor - start - 1) // step * step
    return Anchor.at(text, offset if layout.has_room_for(text.slice(offset, cursor)) else cursor, cursor, layout)
