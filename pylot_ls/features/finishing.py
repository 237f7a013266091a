"""From what a model wrote to what is shown: one rule after the other, each of which only takes away. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.features.balance import balanced, begins_in_quotes
from pylot_ls.features.cleaning import clean
from pylot_ls.features.indentation import indented_as
from pylot_ls.features.soundness import is_sound, sound
from pylot_ls.features.stopping import one_unit
from pylot_ls.features.trim import trim

if TYPE_CHECKING:
    from pylot_ls.syntax.cursor import Syntax


def finish(text: str, before: str, after: str, language_id: str, syntax: Syntax | None) -> str:
    r"""What is shown of a generated text; "" for nothing.

    Args:
        text: as it was generated; line terminators are ``\n``, here and in the others.
        before: the text up to the cursor, as far as a suggestion's form depends on it.
        after: the text from there on.
        language_id: LSP's name of the language.
        syntax: that at the cursor, None where there is no grammar.
    """
    text = indented_as(clean(text), before, after)
    # What one rule cuts off can leave an end that another one would not let stand.
    shown = _once(text, before, after, language_id, syntax)
    while shown != text:
        text, shown = shown, _once(shown, before, after, language_id, syntax)
    return shown


def _once(text: str, before: str, after: str, language_id: str, syntax: Syntax | None) -> str:
    line_before, rest_of_line = before.rpartition("\n")[2], after.partition("\n")[0]
    text = trim(text if syntax is None else one_unit(text, syntax), after, line_before)
    if not text:
        return ""
    if syntax is None:
        return balanced(text, line_before, rest_of_line, language_id)
    part = balanced(text, line_before, rest_of_line, language_id)
    is_wanted = part != text and not _mends(text, syntax) and not _is_in_text(line_before, language_id, syntax)
    if is_wanted and is_sound(part, syntax):
        text = part
    return sound(text, syntax)


def _is_in_text(line_before: str, language_id: str, syntax: Syntax) -> bool:
    """Whether the cursor is in a comment, or in a string that began on another line."""
    return syntax.in_comment or (syntax.in_string and not begins_in_quotes(line_before, language_id))


def _mends(text: str, syntax: Syntax) -> bool:
    now, then = syntax.n_errors(), syntax.n_errors(text)
    return now is not None and then is not None and then < now
