"""Smaller prompts for the same place, for a machine or a moment in which there is no time for the whole one. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.engine.prompt_types import Prompt
    from pylot_ls.prompts.anchor import Anchor
    from pylot_ls.text.rope import Text

# Of prefix and suffix, the best first. The first two are for where the prefix is known and the suffix is not, as some
# lines away from the last place; each of the others takes half the time of the one before. The last holds some twenty
# tokens of prefix in a context of the usual size: with less no suggestion is worth having.
_SHARES = ((1, 1 / 8), (1, 1 / 32), *((1 / 2**n, 1 / 2**n) for n in range(1, 8)))


# As many anchors as are typed on in turn; those of a session's documents are more, but each rests for a while.
_MOST_REMEMBERED = 16


def fallbacks(anchor: Anchor, text: Text, cursor: int) -> tuple[Prompt, ...]:
    """Smaller prompts than that of an anchor, the best first.

    They follow from what is frozen, so that they are as stable as it is: a keystroke appends to each of them.
    """
    middle = anchor.middle(text, cursor)
    return tuple((*around, middle) for around in _around(anchor))


@lru_cache(maxsize=_MOST_REMEMBERED)
def _around(anchor: Anchor) -> tuple[Prompt, ...]:
    """What is frozen of each, for every keystroke on the anchor; wherever that has moved to, it is the same."""
    return tuple(anchor.smaller(*shares).around for shares in _SHARES)
