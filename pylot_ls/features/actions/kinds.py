"""All kinds of actions, and which of them apply at a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.errors import ActionError
from pylot_ls.features.actions.docstring import Docstring
from pylot_ls.features.actions.explain import Explain
from pylot_ls.features.actions.fix import Fix
from pylot_ls.features.actions.implement import Implement
from pylot_ls.features.actions.rename import Rename
from pylot_ls.features.actions.simplify import Simplify
from pylot_ls.features.actions.tests import WriteTests
from pylot_ls.features.actions.translate import Translate
from pylot_ls.features.actions.types import Types

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pylot_ls.features.actions.action import Action, Offer
    from pylot_ls.features.actions.context import Context

# In the order in which they are shown.
_ACTIONS: tuple[Action, ...] = (
    Fix(),
    Implement(),
    Docstring(),
    Explain(),
    WriteTests(),
    Simplify(),
    Types(),
    Translate(),
    Rename(),
)
KINDS = tuple(action.kind for action in _ACTIONS)


def action_of(kind: str) -> Action:
    """The action of a kind.

    Raises:
        ActionError: there is no such kind.
    """
    for action in _ACTIONS:
        if action.kind == kind:
            return action
    raise ActionError(f"there is no action {kind!r}; there are {', '.join(KINDS)}")


def offered(context: Context, kinds: Collection[str] = KINDS) -> Iterator[tuple[str, Offer]]:
    """What may be done at a place, as (kind, offer)."""
    for action in _ACTIONS:
        if action.kind in kinds:
            for offer in action.offers(context):
                yield action.kind, offer
