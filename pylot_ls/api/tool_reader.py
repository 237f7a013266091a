"""Reads an answer that may call tools, while it comes; see ``tools.py``. Pure."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pylot_ls.api.tools import CALL, CALLS, RESPONSE, head

if TYPE_CHECKING:
    from collections.abc import Callable

    Json = dict[str, Any]

_NAME = '{"name": "'
_ARGUMENTS = '", "arguments": '
_ESCAPE = 2
_UNICODE_ESCAPE = 6
_FIRST_LOW, _LAST_HIGH, _FIRST_HIGH = 0xDC00, 0xDBFF, 0xD800


@dataclass(slots=True)
class Call:
    """A call as far as it is known."""

    name: str
    id: str = field(default_factory=lambda: f"call_{secrets.token_hex(12)}")
    arguments: str = ""

    def shown(self) -> Json:
        """As OpenAI shows it."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


class ToolReader:
    """Follows one answer.

    What is of no known form is content as it stands: a model that no grammar holds may say anything.

    Attributes:
        calls: so far.
        content: so far.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.content = ""
        self._rest = ""
        self._state: Callable[[list[Json]], bool] = self._at_start
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False

    def feed(self, text: str) -> list[Json]:
        """What it adds to the message, as OpenAI's deltas."""
        self._rest += text
        deltas: list[Json] = []
        while self._state(deltas):
            pass
        return deltas

    def finish(self) -> list[Json]:
        """What is left at the end."""
        if self._state == self._at_start and self._rest:
            self._state = self._in_plain
        return self.feed("")

    def _at_start(self, _deltas: list[Json]) -> bool:
        states: dict[str, Callable[[list[Json]], bool]] = {
            CALL: self._at_call,
            CALLS: self._at_calls,
            RESPONSE: self._at_response,
        }
        for key, state in states.items():
            if self._rest.startswith(head(key)):
                self._rest = self._rest[len(head(key)) :]
                self._state = state
                return True
        if any(head(key).startswith(self._rest) for key in states):
            return False
        self._state = self._in_plain
        return True

    def _in_plain(self, deltas: list[Json]) -> bool:
        self._say(self._rest, deltas)
        self._rest = ""
        return False

    def _at_calls(self, _deltas: list[Json]) -> bool:
        if not self._rest:
            return False
        self._rest = self._rest.removeprefix("[")
        self._state = self._at_call
        return True

    def _at_call(self, deltas: list[Json]) -> bool:
        end = self._rest.find(_ARGUMENTS)
        if not self._rest.startswith(_NAME) or end < 0:
            return False
        call = Call(self._rest[len(_NAME) : end])
        self._rest = self._rest[end + len(_ARGUMENTS) :]
        self.calls.append(call)
        deltas.append({"tool_calls": [{"index": len(self.calls) - 1, **call.shown()}]})
        self._depth, self._state = 0, self._in_arguments
        return True

    def _in_arguments(self, deltas: list[Json]) -> bool:
        for place, character in enumerate(self._rest):
            if self._is_escaped:
                self._is_escaped = False
            elif self._is_in_string:
                self._is_escaped = character == "\\"
                self._is_in_string = character != '"'
            elif character == '"':
                self._is_in_string = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self._argue(place + 1, deltas)
                    self._state = self._behind_call
                    return True
        self._argue(len(self._rest), deltas)
        return False

    def _argue(self, length: int, deltas: list[Json]) -> None:
        added, self._rest = self._rest[:length], self._rest[length:]
        if added:
            self.calls[-1].arguments += added
            deltas.append({"tool_calls": [{"index": len(self.calls) - 1, "function": {"arguments": added}}]})

    def _behind_call(self, _deltas: list[Json]) -> bool:
        start = self._rest.find(_NAME)
        if start < 0:
            return False
        self._rest = self._rest[start:]
        self._state = self._at_call
        return True

    def _at_response(self, _deltas: list[Json]) -> bool:
        if not self._rest:
            return False
        if self._rest.startswith('"'):
            self._rest = self._rest[1:]
            self._state = self._in_text
        else:
            self._state = self._in_value
        return True

    def _in_text(self, deltas: list[Json]) -> bool:
        """A JSON string: what is whole of it; an escape that may go on waits."""
        said, place = "", 0
        while place < len(self._rest):
            if self._rest[place] == '"':
                self._say(said, deltas)
                self._rest = ""
                self._state = self._at_end
                return False
            length = self._length_of(place)
            if length is None:
                break
            said += json.loads(f'"{self._rest[place : place + length]}"')
            place += length
        self._say(said, deltas)
        self._rest = self._rest[place:]
        return False

    def _length_of(self, place: int) -> int | None:
        """Of the character that begins at a place, as it is written; None where its end is not there yet."""
        rest = self._rest[place : place + 2 * _UNICODE_ESCAPE]
        if not rest.startswith("\\"):
            return 1
        if len(rest) < _ESCAPE:
            return None
        if rest[1] != "u":
            return _ESCAPE
        if len(rest) < _UNICODE_ESCAPE:
            return None
        if not _FIRST_HIGH <= int(rest[2:_UNICODE_ESCAPE], 16) <= _LAST_HIGH:
            return _UNICODE_ESCAPE
        # The first half of a pair: the other one may follow.
        second = rest[_UNICODE_ESCAPE:]
        if len(second) < _UNICODE_ESCAPE and "\\u".startswith(second[:_ESCAPE]):
            return None
        return 2 * _UNICODE_ESCAPE if second.startswith("\\u") else _UNICODE_ESCAPE

    def _in_value(self, deltas: list[Json]) -> bool:
        """Any JSON: all but the last character, which may be the object's end."""
        self._say(self._rest[:-1], deltas)
        self._rest = self._rest[-1:]
        return False

    def _at_end(self, _deltas: list[Json]) -> bool:
        return False

    def _say(self, text: str, deltas: list[Json]) -> None:
        if text:
            self.content += text
            deltas.append({"content": text})
