"""LSP's base protocol, both ways, without I/O: bytes in, JSON values and faults out.

A wrong Content-Length is the one mistake from which a naive reader never recovers: all that follows is read at the
wrong place. What saves this one is that a ``Content-Length: 123`` followed by a line break cannot occur inside
valid JSON (a line break in a string is escaped, and outside of strings there are no letters but those of ``true``,
``false`` and ``null``). Wherever such a line stands, a header begins, and decoding goes on there.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_HEADER_BYTES = 8 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024

_BLANK = b" \t\r"
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*)")
_FIELD_BEGUN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]*[ \t]*(?::.*)?", re.DOTALL)
_CHARSET = re.compile(rb";[ \t]*charset[ \t]*=[ \t]*\"?([^\";\s]*)", re.IGNORECASE)
_LENGTH_LINE = re.compile(rb"Content-Length[ \t]{0,16}:[ \t]{0,16}\d{1,20}[ \t]{0,16}\r?\n", re.IGNORECASE)
_LENGTH_LINE_MAX_BYTES = 128  # no match of _LENGTH_LINE is longer
_MAX_LENGTH_DIGITS = 20  # int() refuses thousands of digits with an error of its own
_HEADER_NAMES = ("content-length", "content-type")


@dataclass(frozen=True, slots=True)
class Frame:
    """The decoded JSON value of one frame's body; whether it is a message is for the protocol to say."""

    value: Any


@dataclass(frozen=True, slots=True)
class FramingFault:
    """The client broke the base protocol.

    Attributes:
        text: what was wrong, for the client and the log; it quotes nothing of a body.
        recovered: no message was lost by it.
    """

    text: str
    recovered: bool = False


FramingEvent = Frame | FramingFault


def encode_frame(body: bytes) -> bytes:
    """Return ``body`` with its header."""
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


class _State(enum.Enum):
    HEADER = enum.auto()
    BODY = enum.auto()
    LOST = enum.auto()  # skipping to the next Content-Length line


class FrameDecoder:
    """Decodes a stream of frames that arrives in pieces of any size.

    It never raises for anything the stream holds, and keeps at most one header and one body in memory.

    Args:
        max_body_bytes: a Content-Length above it is refused.
        max_header_bytes: a block of header lines above it is refused.
    """

    def __init__(self, *, max_body_bytes: int = MAX_BODY_BYTES, max_header_bytes: int = MAX_HEADER_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._max_header_bytes = max_header_bytes
        self._buffer = bytearray()
        self._at = 0  # all before it in the buffer is done with
        self._state = _State.HEADER
        self._body_bytes = 0
        self._events: list[FramingEvent] = []

    @property
    def inside_body(self) -> bool:
        """Whether a header was read whose body is not complete."""
        return self._state is _State.BODY

    def feed(self, data: bytes) -> list[FramingEvent]:
        """Take the next bytes of the stream; return what they complete, in order."""
        self._buffer += data
        return self._decode()

    def stalled(self) -> list[FramingEvent]:
        """Look at an unfinished body again, after a while in which no bytes came.

        Content-Length may be larger than the body; then the client is waiting for an answer, and nothing more will
        come. Where what is there shows that, it is decoded; else this returns nothing, and waiting goes on.
        """
        events: list[FramingEvent] = []
        # What a wrong length had swallowed may end with another one.
        while self._state is _State.BODY and self._give_up_length():
            events += self._decode()
        return events

    def _give_up_length(self) -> bool:
        """See whether the body that is waited for has ended, or will never come; False where that is not to be seen."""
        begun = self._buffer[self._at :]
        if self._take_complete_value(begun, or_end=True):
            return True
        return bool(_LENGTH_LINE.search(begun)) and self._lose("a message ends before its Content-Length", at=self._at)

    def _decode(self) -> list[FramingEvent]:
        steps = {
            _State.HEADER: self._read_header,
            _State.BODY: self._read_body,
            _State.LOST: self._seek_header,
        }
        while steps[self._state]():
            pass
        del self._buffer[: self._at]
        self._at = 0
        events, self._events = self._events, []
        return events

    def _lose(self, text: str, *, at: int) -> bool:
        """Report a fault and look for the next header from ``at`` on.

        Every caller passes an ``at`` behind which no header line stands that it has itself refused, so decoding
        always moves forward.
        """
        self._events.append(FramingFault(text))
        self._at = at
        self._state = _State.LOST
        return True

    def _seek_header(self) -> bool:
        found = _LENGTH_LINE.search(self._buffer, self._at)
        if found is None:
            self._at = max(self._at, len(self._buffer) - _LENGTH_LINE_MAX_BYTES)
            return False
        self._at = found.start()
        self._state = _State.HEADER
        return True

    def _read_header(self) -> bool:
        while self._at < len(self._buffer) and self._buffer[self._at] in b" \t\r\n":
            self._at += 1  # blank lines left over from a body that was counted without its line break
        fields: list[tuple[bytes, bytes]] = []
        line_at = length_at = self._at
        while (end := self._buffer.find(b"\n", line_at, self._at + self._max_header_bytes)) >= 0:
            line = bytes(self._buffer[line_at:end]).strip(_BLANK)
            if not line:
                return self._use_header(fields, length_at, end + 1)
            field = _FIELD.fullmatch(line)
            if field is None:
                return self._lose("expected a header line such as 'Content-Length: 123'", at=line_at)
            fields.append((field[1].lower(), field[2]))
            if fields[-1][0] == b"content-length":
                length_at = line_at
            line_at = end + 1
        if len(self._buffer) - self._at >= self._max_header_bytes:
            text = f"a header is longer than {self._max_header_bytes} bytes"
            return self._lose(text, at=self._at + self._max_header_bytes)
        if not _FIELD_BEGUN.fullmatch(bytes(self._buffer[line_at:]).lstrip(_BLANK)):
            return self._lose("expected a header line such as 'Content-Length: 123'", at=line_at)
        return False

    def _use_header(self, fields: list[tuple[bytes, bytes]], length_at: int, body_at: int) -> bool:
        begins_within = _LENGTH_LINE.search(self._buffer, length_at + 1, body_at)
        if begins_within:
            return self._lose("a header breaks off where another begins", at=begins_within.start())
        lengths = {value for name, value in fields if name == b"content-length"}
        if len(lengths) > 1:
            # The first one may be what is left of a message that was broken off.
            return self._lose("a header has two different values of Content-Length", at=length_at)
        if not lengths:
            return self._lose("a header has no Content-Length", at=body_at)
        (length,) = lengths
        if problem := self._length_problem(length):
            return self._lose(problem, at=body_at)
        if problem := _content_type_problem(fields):
            # What stands before the length may be what is left of another message, too.
            return self._lose(problem, at=length_at if length_at > self._at else body_at)
        self._at = body_at
        self._body_bytes = int(length)
        self._state = _State.BODY
        return True

    def _length_problem(self, digits: bytes) -> str | None:
        if not digits.isdigit():
            return "Content-Length must be a number of bytes, 0 or more"
        if len(digits) > _MAX_LENGTH_DIGITS or int(digits) > self._max_body_bytes:
            return f"Content-Length is over the limit of {self._max_body_bytes} bytes; the message is refused"
        return None

    def _read_body(self) -> bool:
        end = self._at + self._body_bytes
        if len(self._buffer) < end:
            return False
        body = self._buffer[self._at : end]
        decoded = decode_message(body)
        if isinstance(decoded, Frame):
            self._events.append(decoded)
            self._at = end
            self._state = _State.HEADER
            return True
        if self._take_complete_value(body, or_end=False):
            return True
        return self._lose(f"{decoded.text} (is its Content-Length right?)", at=self._at)

    def _take_complete_value(self, begun: bytearray, *, or_end: bool) -> bool:
        """Take an object that ends before its Content-Length says.

        Only where the next header follows it at once or, with ``or_end``, where nothing follows.
        """
        # surrogateescape keeps the bytes exact where the next message is cut within a character.
        text = begun.decode("utf-8", "surrogateescape")
        start = len(text) - len(text.lstrip(" \t\r\n"))
        try:
            value, end = _DECODER.raw_decode(text, start)
            taken = len(text[:end].encode("utf-8"))
        except (ValueError, RecursionError):
            return False
        rest = text[end:].lstrip(" \t\r\n")
        if not isinstance(value, dict) or not (_begins_header(rest) if rest else or_end):
            return False
        self._events.append(FramingFault("a message is shorter than its Content-Length", recovered=True))
        self._events.append(Frame(value))
        self._at += taken
        self._state = _State.HEADER
        return True


def _begins_header(text: str) -> bool:
    for name in _HEADER_NAMES:
        begun = text[: len(name)].lower()
        if name.startswith(begun):
            return True
    return False


def _content_type_problem(fields: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in fields:
        charset = _CHARSET.search(value) if name == b"content-type" else None
        if charset and charset[1].lower() not in {b"utf-8", b"utf8"}:
            return "the charset of a Content-Type must be utf-8"
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON number", "", 0)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def decode_message(body: str | bytes | bytearray) -> Frame | FramingFault:
    """The JSON value of one whole message; the fault quotes nothing of it."""
    try:
        return Frame(_DECODER.decode(body if isinstance(body, str) else body.decode("utf-8")))
    except UnicodeDecodeError:
        problem = "a message is not UTF-8"
    except json.JSONDecodeError as error:
        problem = f"a message is not JSON: {error.msg} at character {error.pos}"
    except RecursionError:
        problem = "a message is nested too deeply"
    except ValueError:
        problem = "a message holds a number that cannot be read"
    return FramingFault(problem)
