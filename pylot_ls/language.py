"""The user's language: what is said to them, and in what models are to answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its BCP 47 tag.

    Attributes:
        tag: as ``en``, ``ru``, ``zh-Hans``.
    """

    tag: str = "en"

    @property
    def name(self) -> str:
        """Its English name, for a model that is to answer in it."""
        return "English"

    def say(self, message: str, **values: object) -> str:
        """A message to the user: the English one translated, where there is a translation, then filled in.

        Args:
            message: in English, with ``{name}`` where values go. Written out where this is called, so that it is found
                when catalogues are made.
            values: what is filled in.
        """
        return message.format(**values) if values else message


ENGLISH = Language()
