"""Which prompt to ask with at a cursor, and which to prepare for later. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.prompts.anchor import Anchor, Suffix
from pylot_ls.prompts.layout import FimOptions, Layout

if TYPE_CHECKING:
    from pylot_ls.engine.types import ModelInfo, Prompt
    from pylot_ls.text.rope import Text

# From these on a fresh anchor is prepared in the background: a longer middle than models are trained on makes
# suggestions worse, and none is left when the hard limit (the layout's) is reached.
_SOFT_CHARACTERS = 400
_SOFT_LINES = 8
_SOFT_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate.

    Attributes:
        prompt: for the request at hand.
        anchor: what it stands on; to be given to the next ``make_plan`` of the document.
        successor: the anchor that ought to take its place, once ``prepare`` has been evaluated in the background.
        prepare: the successor's prompt as of now.
    """

    prompt: Prompt
    anchor: Anchor
    successor: Anchor | None = None
    prepare: Prompt = ()


def make_plan(  # noqa: PLR0917 - the first five are what every prompt needs
    text: Text,
    cursor: int,
    model: ModelInfo,
    options: FimOptions,
    max_tokens: int,
    current: Anchor | None = None,
) -> Plan:
    """The plan for a cursor.

    Args:
        text: the document.
        cursor: offset in characters.
        model: tells the order, and how many tokens there is room for.
        options: see FimOptions.
        max_tokens: how many tokens will be decoded.
        current: the anchor of the plan before, of the same document.

    Raises:
        ModelUnsupportedError: the model has no fill-in-the-middle tokens, or too small a context.
    """
    layout = Layout.of(model, options, max_tokens)
    fresh_at = _fresh_anchor(text, cursor, layout) if options.anchored else cursor
    kept = _keep(text, cursor, layout, current) if current is not None and options.anchored else None
    if kept is None or current is None:
        anchor = Anchor.at(text, fresh_at, cursor, layout)
        return Plan(anchor.prompt(text.slice(fresh_at, cursor)), anchor)
    began, suffix = kept
    typed = text.slice(began, cursor)
    plan = Plan(current.prompt(typed), current)
    if fresh_at == began and suffix is Suffix.SAME:
        return plan
    if suffix is Suffix.SAME and not _is_long(typed, layout):
        return plan
    successor = Anchor.at(text, fresh_at, cursor, layout)
    return Plan(plan.prompt, current, successor, successor.prompt(text.slice(fresh_at, cursor)))


def _keep(text: Text, cursor: int, layout: Layout, current: Anchor) -> tuple[int, Suffix] | None:
    """Where the current anchor's hole begins and how its suffix compares; None when it cannot be kept."""
    if current.layout != layout:
        return None
    began = current.find(text, cursor)
    if began is None or cursor - began > layout.typed_characters:
        return None
    suffix = current.compare_suffix(text, cursor)
    return None if suffix is Suffix.OTHER else (began, suffix)


def _is_long(typed: str, layout: Layout) -> bool:
    soft = min(_SOFT_CHARACTERS, int(layout.typed_characters * _SOFT_SHARE))
    return len(typed) > soft or typed.count("\n") >= _SOFT_LINES


def _fresh_anchor(text: Text, cursor: int, layout: Layout) -> int:
    """Start of the cursor's line, before its indentation; the cursor itself where that is too far away."""
    start = text.line_start(text.line_of(cursor))
    return start if cursor - start <= layout.typed_characters else cursor
