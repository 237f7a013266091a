"""No suggestion adds errors to the text that it is inserted into. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pylot_ls.features.cuts import shorter

if TYPE_CHECKING:
    from pylot_ls.syntax.cursor import Syntax

# Each is parsed, which takes a millisecond.
_MOST_TRIED = 8


def sound(suggestion: str, syntax: Syntax) -> str:
    """The suggestion, or its longest cut, with which the text has no more errors than it has now; "" for none.

    The line that is being typed is most often in error itself, so that what makes it no worse is sound. Where a parse
    takes too long, nothing is known and the suggestion stays.
    """
    if is_sound(suggestion, syntax):
        return suggestion
    return next((cut for cut in islice(shorter(suggestion), _MOST_TRIED) if is_sound(cut, syntax)), "")


def is_sound(suggestion: str, syntax: Syntax) -> bool:
    """Whether the text with the suggestion has no more errors than without."""
    now, then = syntax.n_errors(), syntax.n_errors(suggestion)
    return now is None or then is None or then <= now
