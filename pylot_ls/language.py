"""The user's language: what is said to them, and in what models are to answer.

Messages are written in English where they arise, and translated by gettext where they are shown. A catalogue is a file
``locale/TAG/LC_MESSAGES/pylot-ls.po`` and what ``msgfmt`` makes of it; a new one needs no code.
"""

from __future__ import annotations

import gettext
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pylot_ls.language_names import ENGLISH_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DOMAIN = "pylot-ls"
LOCALE_FOLDER = Path(__file__).parent / "locale"
# RFC 5646, as far as it goes: letters, then parts of up to eight letters and digits.
TAG_PATTERN = r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$"
_TAG = re.compile(TAG_PATTERN)
_MOST_CHARACTERS = 64


class Message(str):
    """A message to the user: its English text, which can still be translated.

    Args:
        template: in English, with ``{name}`` where values go. Written out where this is called, so that it is found
            when catalogues are made.
        values: what is filled in; those that are messages themselves are translated, too.
    """

    __slots__ = ("template", "values")

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """The English text, which knows what it was made of."""
        message = super().__new__(cls, _filled(template, values))
        message.template, message.values = template, values
        return message

    @classmethod
    def again(cls, template: str, values: Mapping[str, object]) -> Self:
        """The message that has this template and these values, which came from elsewhere."""
        return cls(template, **values)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What makes it again, in another process."""
        return (self.template,), self.values


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its BCP 47 tag.

    Attributes:
        tag: as ``en``, ``ru``, ``zh-Hans``.
    """

    tag: str = "en"

    @property
    def name(self) -> str:
        """Its English name, for a model that is to answer in it; the tag itself of one that is not known here."""
        return next((ENGLISH_NAMES[tag] for tag in self._wider() if tag in ENGLISH_NAMES), self.tag)

    def say(self, message: str, /, **values: object) -> str:
        """A message to the user: the English one translated, where there is a translation, then filled in.

        Args:
            message: as ``Message`` has it.
            values: what is filled in.
        """
        return self.of(Message(message, **values))

    def of(self, text: str) -> str:
        """What is said in this language: a message translated, where there is a translation; other texts as they are.

        What an error says is taken from it by ``text_of``.
        """
        if not isinstance(text, Message):
            return text
        values = {name: self.of(value) if isinstance(value, str) else value for name, value in text.values.items()}
        return _filled(self._catalogue().gettext(text.template), values)

    def _catalogue(self) -> gettext.NullTranslations:
        return _catalogue(tuple(tag.replace("-", "_") for tag in self._wider()))

    def _wider(self) -> tuple[str, ...]:
        """The tag, then shorter ones: ``zh-Hant-TW``, ``zh-Hant``, ``zh``."""
        parts = self.tag.split("-")
        return tuple("-".join(parts[:n]) for n in range(len(parts), 0, -1))


ENGLISH = Language()


def one_of(names: Sequence[str]) -> str:
    """Some names of which one is meant: ``a, b or c``."""
    *others, last = names
    return Message("{others} or {last}", others=", ".join(others), last=last) if others else last


def text_of(error: BaseException) -> str:
    """What an error says, still to be translated where it can be."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)


def language_of(tag: str | None) -> Language:
    """The language that a client, or an environment, names: ``ru``, ``pt-br``, ``de_DE.UTF-8``; English for no tag."""
    named = (tag or "")[:_MOST_CHARACTERS].partition(".")[0].partition("@")[0].strip()
    if named in {"C", "POSIX"} or not _TAG.match(named):
        return ENGLISH
    return Language(_canonical(named))


def _canonical(tag: str) -> str:
    """A tag as it is usually written: language in small letters, script with a capital, country in capitals."""
    language, *others = tag.replace("_", "-").split("-")
    return "-".join((language.lower(), *map(_canonical_part, others)))


def _canonical_part(part: str) -> str:
    if not part.isalpha():
        return part.lower()
    return {2: part.upper(), 4: part.title()}.get(len(part), part.lower())


def _filled(template: str, values: Mapping[str, object]) -> str:
    """A template with values in it; one that takes none may hold braces."""
    return template.format(**values) if values else template


@cache
def _catalogue(names: tuple[str, ...]) -> gettext.NullTranslations:
    """The first catalogue that there is; one that translates nothing where there is none."""
    return gettext.translation(DOMAIN, LOCALE_FOLDER, list(names), fallback=True)
