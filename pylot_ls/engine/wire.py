"""What a backend takes and gives, as bytes for another process: JSON, each value under the name of its class.

Only the classes that are listed here can come out, with the values that their fields have; nothing else is made or
called. So whoever is at the other end, a process that a damaged model has taken over for example, can say wrong things,
but have nothing run.
"""

from __future__ import annotations

import base64
import binascii
import enum
import json
import struct
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pylot_ls.engine import prompt_types, types
from pylot_ls.engine.context_shape import ContextShape
from pylot_ls.engine.footprint import Footprint
from pylot_ls.engine.memory_plan import MemoryPlan
from pylot_ls.language import Message

if TYPE_CHECKING:
    from types import ModuleType

MAX_FRAME_BYTES = 2**30
# A length of four bytes, the most significant one first, then so many bytes of JSON.
_LENGTH = struct.Struct(">I")
_KIND = "!"
_BYTES, _MESSAGE = "bytes", "message"


class WireError(Exception):
    """Bytes that are not what this module writes."""


class Readable(Protocol):
    """What frames are read from."""

    def read(self, n_bytes: int, /) -> bytes:
        """So many bytes, fewer only at the end."""


def _of(module: ModuleType) -> list[type[Any]]:
    """All that a module defines and has values."""
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    return [each for each in own if is_dataclass(each) or issubclass(each, enum.Enum)]


_CLASSES = {each.__name__: each for each in (*_of(types), *_of(prompt_types), MemoryPlan, ContextShape, Footprint)}
_FIELDS = {each: tuple(field.name for field in fields(each)) for each in _CLASSES.values() if is_dataclass(each)}


def frame(*values: Any) -> bytes:
    """Values as one frame.

    Raises:
        TypeError: a value is of a class that is not listed.
    """
    body = json.dumps([_plain(value) for value in values], separators=(",", ":")).encode("ascii")
    return _LENGTH.pack(len(body)) + body


def read_frame(source: Readable) -> list[Any] | None:
    """The values of the next frame; None at the end.

    Raises:
        WireError: what is there is no frame.
        OSError: it cannot be read.
    """
    header = source.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (n_bytes,) = _LENGTH.unpack(header)
    if n_bytes > MAX_FRAME_BYTES:
        raise WireError(f"a frame of {n_bytes} bytes")
    body = source.read(n_bytes)
    if len(body) < n_bytes:
        return None
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError("no JSON") from error
    if not isinstance(values, list):
        raise WireError("no list of values")
    return [_value(each) for each in values]


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _FIELDS:
        return {_KIND: kind.__name__, **{name: _plain(getattr(value, name)) for name in _FIELDS[kind]}}
    if kind is tuple or kind is list:
        return [_plain(each) for each in value]
    if kind is str or value is None or kind is int or kind is float or kind is bool:
        return value
    if kind is bytes:
        return {_KIND: _BYTES, "base64": base64.b64encode(value).decode("ascii")}
    if kind is Message:
        # Its values may be anything; those that are translated themselves stay so.
        kept = {Message, int, float}
        values = {name: _plain(each) if type(each) in kept else str(each) for name, each in value.values.items()}
        return {_KIND: _MESSAGE, "template": value.template, "values": values}
    if isinstance(value, enum.Enum) and kind.__name__ in _CLASSES:
        return {_KIND: kind.__name__, "value": value.value}
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{kind.__name__} does not go to another process")


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(map(_value, plain))
    if not isinstance(plain, dict):
        return plain
    kind = plain.get(_KIND)
    if kind is None:
        return {name: _value(each) for name, each in plain.items()}
    try:
        if kind == _BYTES:
            return base64.b64decode(plain["base64"], validate=True)
        if kind == _MESSAGE:
            return Message.__new__(
                Message, plain["template"], **{n: _value(each) for n, each in plain["values"].items()}
            )
        found = _CLASSES[kind]
        if found not in _FIELDS:
            return found(plain["value"])
        return found(**{name: _value(each) for name, each in plain.items() if name != _KIND})
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, binascii.Error) as error:
        raise WireError(f"no {kind}") from error
