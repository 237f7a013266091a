"""Another suggestion for a place: the next of those that the model has for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pylot_ls.features.completion import Completion, Suggestion
    from pylot_ls.text.document import Document


@dataclass(slots=True)
class _Shown:
    """What there is for a place, and which of it is shown."""

    key: tuple[str, int, int]
    suggestions: Sequence[Suggestion]
    number: int = 0


class Another:
    """Goes through the suggestions for one place, in a circle.

    Args:
        ask: for all suggestions at an offset of a document; None where that was not found out.
        prefer: has one of them shown from now on.
    """

    def __init__(
        self,
        ask: Callable[[Document, int], Awaitable[Completion | None]],
        prefer: Callable[[Document, Suggestion], None],
    ) -> None:
        self._ask = ask
        self._prefer = prefer
        self._shown: _Shown | None = None

    async def next(self, document: Document, offset: int) -> Suggestion | None:
        """The one after the one that is shown at an offset; None where there is no other."""
        key = document.uri, document.version, offset
        shown = self._shown
        if shown is None or shown.key != key:
            completion = await self._ask(document, offset)
            if completion is None:
                return None
            shown = self._shown = _Shown(key, completion.suggestions)
        if len(shown.suggestions) < 2:  # noqa: PLR2004 - the one that is shown, and another
            return None
        shown.number = (shown.number + 1) % len(shown.suggestions)
        chosen = shown.suggestions[shown.number]
        self._prefer(document, chosen)
        return chosen
