"""What an action is: where it is offered, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pylot_ls.features.actions.asking import Models
    from pylot_ls.features.actions.context import Context
    from pylot_ls.features.actions.edits import Replacement
    from pylot_ls.syntax.definitions import Span


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may be done here.

    Attributes:
        title: for the user, in their language.
        is_preferred: whether it is what most people would do here.
        is_pressing: whether the place itself asks for it, so that an editor may point it out unasked.
        diagnostic: the number of the diagnostic that it mends; None for one that mends none.
    """

    title: str
    is_preferred: bool = False
    is_pressing: bool = False
    diagnostic: int | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """Edits of the document of the context.

    Attributes:
        replacements: in their order, none of them touching another.
        guard: the lines that must still be as they were, whole ones, in characters of the document.
    """

    replacements: tuple[Replacement, ...]
    guard: Span


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file beside the document.

    Attributes:
        names: what it may be called, the best first, as URIs have names; it must be none that there is.
        text: all of it.
    """

    names: Sequence[str]
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """Something to read.

    Attributes:
        text: in Markdown.
        reason: why it is not an edit, where it was to be one; "" where it was not.
        name: a better name, where that is what it tells; "" where it does not.
    """

    text: str
    reason: str = ""
    name: str = ""


Outcome = Edited | NewFile | Told


class Action(Protocol):
    """One kind of action."""

    @property
    def kind(self) -> str:
        """Its name."""

    def offers(self, context: Context) -> Sequence[Offer]:
        """What may be done here. Takes no time but for a parse, and asks no model."""

    async def perform(self, context: Context, models: Models, diagnostic: int | None = None) -> Outcome:
        """Have a model do it. Cancelling the coroutine ends the model's work.

        ``diagnostic``: the number of the one to mend, as it was offered.

        Raises:
            ActionError: it does not apply here, or what the model wrote is of no use.
            ModelError: there is no model for it.
            EngineError: the engine failed.
        """
