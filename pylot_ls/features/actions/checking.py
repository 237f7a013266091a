"""From what a model wrote to an edit: no more than what differs, and none that makes the text worse. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.action import Edited, Told
from pylot_ls.features.actions.blocks import blocks_are_sound
from pylot_ls.features.actions.edits import Replacement, minimal, whole_lines
from pylot_ls.features.fences import fenced

if TYPE_CHECKING:
    from pylot_ls.features.actions.context import Context
    from pylot_ls.syntax.definitions import Definition, Span

_BLANK = re.compile(r"\s+")


def checked(context: Context, region: Span, new: str, *, keeps_code: bool = False) -> Edited | Told:
    r"""The edit that puts a text in the place of a region of the view; something to read where it is not sound.

    Args:
        context: where it was asked for.
        region: whole lines, without the last one's terminator.
        new: what is to stand there; line terminators are ``\n``.
        keeps_code: whether nothing but comments and documentation may differ.

    Raises:
        ActionError: nothing differs.
    """
    view, language = context.view, context.language
    if new == context.shown(region):
        raise ActionError(language.say("The model would change nothing."))
    reason = _why_not(context, region, new, keeps_code=keeps_code)
    if reason:
        return Told(fenced(new, context.document.language_id) + "\n", reason)
    text = context.document.text
    replacements = tuple(
        Replacement(view.to_text(each.start), view.to_text(each.end), each.text.replace("\n", context.terminator))
        for each in _within(region, context.shown(region), new)
    )
    start, end = _guarded(context, region)
    return Edited(replacements, whole_lines(text, view.to_text(start), view.to_text(end)))


def answered_definition(context: Context, code: str, definition: Definition) -> tuple[str, Definition]:
    """The definition in a model's answer that is to take the place of one, and the text that its spans are of.

    Raises:
        ActionError: the answer does not define that.
    """
    scope = context.scope
    parsed = None if scope is None else scope.changed(code + "\n")
    found = None if parsed is None else parsed.first_definition(definition.name)
    if parsed is None or found is None or parsed.n_errors:
        said = context.language.say(
            "The model's answer does not define {name}; nothing was changed.", name=definition.name
        )
        raise ActionError(said)
    return parsed.text, found


def signature_of(text: str, definition: Definition) -> str:
    """A signature, for comparing: without white space, and without commas that only end a list."""
    signature = _BLANK.sub("", text[definition.signature.start : definition.signature.end])
    return signature.replace(",)", ")")


def _why_not(context: Context, region: Span, new: str, *, keeps_code: bool) -> str:
    """Why a text may not stand in the place of a region; "" where it may."""
    scope, view, language = context.scope, context.view.text, context.language
    if scope is None:
        return ""
    changed = scope.changed(view[: region.start] + new + view[region.end :])
    errors = language.say("The model's answer has errors, so it is shown here and the document is left as it is.")
    if changed is None or changed.n_errors > scope.n_errors:
        return errors
    start, end = _guarded(context, region)
    lines = context.lines(start, end)
    moved_end = lines.end + len(new) - (region.end - region.start)
    if (
        scope.language_id == "python"
        and blocks_are_sound(context.shown(lines))
        and not blocks_are_sound(changed.text[lines.start : moved_end])
    ):
        return errors
    if keeps_code and scope.code(region.start, region.end) != changed.code(region.start, region.start + len(new)):
        return language.say("The model's answer changes code, so it is shown here and the document is left as it is.")
    return ""


def _within(region: Span, old: str, new: str) -> tuple[Replacement, ...]:
    """The lines that differ; none of the replacements reaches beyond the region's end."""
    # With a terminator at both ends the last line is a line like any other.
    found = minimal(old + "\n", new + "\n", region.start)
    return tuple(_inside(each, region) for each in found)


def _inside(each: Replacement, region: Span) -> Replacement:
    if each.end <= region.end:
        return each
    if each.start > region.end:
        return Replacement(region.end, region.end, "\n" + each.text.removesuffix("\n"))
    if not each.text and each.start > region.start:
        return Replacement(each.start - 1, region.end, "")
    return Replacement(each.start, region.end, each.text.removesuffix("\n"))


def _guarded(context: Context, region: Span) -> tuple[int, int]:
    """What must not change while the model works: the region, and the definition that it is of."""
    definition = context.definition
    if definition is None:
        return region.start, region.end
    return min(region.start, definition.whole.start), max(region.end, definition.whole.end)
