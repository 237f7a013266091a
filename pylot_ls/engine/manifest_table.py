"""Reading a manifest's TOML tables key by key: a wrong value or an unknown key is an error that names it."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import enum
    from collections.abc import Iterator, Mapping

    _Choice = TypeVar("_Choice", bound=enum.StrEnum)

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Table:
    """A TOML table, each key of which is taken once; those left over at the end are unknown.

    Args:
        raw: as tomllib reads it.
        place: the table's own key with a dot behind it; empty for the file itself.

    All methods but ``check_all_known`` raise ValueError for a value of another kind.
    """

    def __init__(self, raw: Mapping[str, object], place: str = "") -> None:
        self._raw = raw
        self._place = place
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def text(self, key: str) -> str:
        """A text; empty when absent."""
        value = self._take(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value:
            raise ValueError(f"{self._place}{key} must be a text that is not empty")
        return value

    def digest(self, key: str) -> str:
        """A SHA-256 in hex; empty when absent."""
        value = self.text(key)
        if value and not _SHA256.fullmatch(value):
            raise ValueError(f"{self._place}{key} must be a SHA-256: 64 digits from 0 to f, in small letters")
        return value

    def count(self, key: str, least: int = 1) -> int:
        """A whole number; 0 when absent."""
        value = self._take(key)
        if value is None:
            return 0
        if type(value) is not int or value < least:
            raise ValueError(f"{self._place}{key} must be a whole number from {least} up")
        return value

    def choices(self, key: str, kind: type[_Choice]) -> tuple[_Choice, ...]:
        """Some of the values of an enumeration, at least one; empty when absent."""
        value = self._take(key)
        if value is None:
            return ()
        accepted = [each.value for each in kind]
        if not isinstance(value, list) or not value or not all(each in accepted for each in value):
            raise ValueError(f"{self._place}{key} must be a list of: {', '.join(accepted)}")
        return tuple(kind(each) for each in value)

    def numbers(self, key: str, below: int) -> tuple[int, ...]:
        """Whole numbers from 0 to below a bound."""
        value = self._take(key)
        if not isinstance(value, list) or not all(type(each) is int and 0 <= each < below for each in value):
            raise ValueError(f"{self._place}{key} must be a list of whole numbers from 0 to below {below}")
        return tuple(value)

    def table(self, key: str) -> Table:
        """A table within; an empty one when absent."""
        value = self._take(key)
        if not isinstance(value, dict | None):
            raise ValueError(f"{self._place}{key} must be a table")  # noqa: TRY004 - wrong in the file, not here
        return Table(value or {}, f"{self._place}{key}.")

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of a list of them."""
        value = self._take(key)
        if value is None:
            return
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValueError(f"{self._place}{key} must be a list of tables")
        for number, each in enumerate(value, 1):
            yield Table(each, f"{self._place}{key}[{number}].")

    def check_all_known(self) -> None:
        """Refuse keys that nothing has asked for.

        Raises:
            ValueError: there are some; it names the first, and what may have been meant.
        """
        for key in self._raw:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                advice = f"did you mean {self._place}{near[0]}?" if near else f"known: {', '.join(self._known)}"
                raise ValueError(f"unknown key {self._place}{key}; {advice}")

    def _take(self, key: str) -> object:
        self._known.append(key)
        return self._raw.get(key)
