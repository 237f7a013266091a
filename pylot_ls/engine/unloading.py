"""What a backend can do beyond ``Backend`` whose model need not stay loaded."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Unloadable(Protocol):
    """A backend whose model may leave the memory and come back.

    Attributes:
        is_loaded: whether its model is loaded and is to stay.
    """

    @property
    def is_loaded(self) -> bool:
        """See the class."""

    def reload(self) -> None:
        """Load the model anew, from its file as it is now, or once more where that failed; may take long."""
