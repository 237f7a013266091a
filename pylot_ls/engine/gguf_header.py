"""What a GGUF file says before its weights: metadata, and which tensors there are. Read without llama.cpp.

The format is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Nothing here trusts a length that the
file gives: what goes past the file's end, or past what any real model needs, is an error.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from pylot_ls.engine.model_file import check_model_file
from pylot_ls.errors import ModelUnreadableError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Kinds of values by their number in the file: how struct reads them.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# An array that is longer is a vocabulary: only its length is of use.
_LONGEST_SHOWN = 1024
# A vocabulary of 260,000 tokens with its merges takes 20 MB.
_MOST_HEADER_BYTES = 256 * 2**20
_FIRST_READ_BYTES = 2 * 2**20
_MOST_ENTRIES = 1_000_000
_MOST_DIMENSIONS = 4
_ALIGNMENT = 32
_SPLIT_NAME = re.compile(r"-00001-of-(\d{5})\.gguf$")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as the file lists it.

    Attributes:
        shape: elements, the innermost dimension first, as ggml counts them.
        kind: ggml's number for the type of its elements.
        n_bytes: what it takes in the file.
    """

    shape: tuple[int, ...]
    kind: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What stands before the weights.

    Attributes:
        metadata: values as text, as llama.cpp gives them; arrays that are long are not among them.
        kinds: of the values, by their number in the file.
        lengths: of the arrays, also of those.
        tensors: by name. Of a model in several files those of the first.
        n_bytes: of all tensors, in all its files.
    """

    metadata: Mapping[str, str]
    kinds: Mapping[str, int]
    lengths: Mapping[str, int]
    tensors: Mapping[str, TensorInfo]
    n_bytes: int


def read_header(path: Path) -> GgufHeader:
    """Read what a file says before its weights.

    Raises:
        ModelNotFoundError: there is no file.
        ModelUnreadableError: it is no GGUF file, cannot be read, or is damaged.
    """
    check_model_file(path)
    try:
        with path.open("rb") as file:
            header = _read(file, path.stat().st_size)
        return _with_other_parts(header, path)
    except OSError as error:
        raise ModelUnreadableError(
            Message("cannot read the model {path}: {reason}", path=path, reason=error.strerror or error)
        ) from error
    except (ValueError, struct.error) as error:
        raise ModelUnreadableError(
            Message(
                "{path} is damaged: what it says before its weights cannot be read ({reason}); fetch it again",
                path=path,
                reason=error,
            )
        ) from error


class _Reader:
    """Reads values one after another; more of the file comes to memory when it is needed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._data = file.read(_FIRST_READ_BYTES)
        self.position = 0

    def scalar(self, kind: str) -> int | float | bool:
        form = struct.Struct("<" + kind)
        self._need(form.size)
        (value,) = form.unpack_from(self._data, self.position)
        self.position += form.size
        return value  # type: ignore[no-any-return]

    def count(self, most: int) -> int:
        value = int(self.scalar("Q"))
        if value > most:
            raise ValueError(f"a count of {value}")
        return value

    def text(self) -> str:
        length = self.count(_MOST_HEADER_BYTES)
        self._need(length)
        data = self._data[self.position : self.position + length]
        self.position += length
        return data.decode("utf-8", errors="replace")

    def skip(self, n_bytes: int) -> None:
        self._need(n_bytes)
        self.position += n_bytes

    def skip_texts(self, n_texts: int) -> None:
        """Go past texts; written for speed, since vocabularies have hundreds of thousands."""
        unpack = struct.Struct("<Q").unpack_from
        position = self.position
        for _ in range(n_texts):
            try:
                (length,) = unpack(self._data, position)
            except (struct.error, OverflowError):  # behind what has been read, or behind any file
                self.position = position
                self._need(8)
                (length,) = unpack(self._data, position)
            position += 8 + length
        self.position = position
        self._need(0)

    def _need(self, n_bytes: int) -> None:
        end = self.position + n_bytes
        if end > _MOST_HEADER_BYTES:
            raise ValueError("it is longer than any model's")
        if end > len(self._data):
            # At least as much again, so that few reads do.
            self._data += self._file.read(max(end - len(self._data), len(self._data)))
        if end > len(self._data):
            raise ValueError("it ends too early")


def _read(file: IO[bytes], file_bytes: int) -> GgufHeader:
    reader = _Reader(file)
    reader.skip(8)  # magic and version, which have been looked at
    n_tensors, n_entries = reader.count(_MOST_ENTRIES), reader.count(_MOST_ENTRIES)
    metadata: dict[str, str] = {}
    lengths: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for _ in range(n_entries):
        key = reader.text()
        kinds[key] = _read_value(reader, key, metadata, lengths)
    listed = {reader.text(): _read_tensor(reader) for _ in range(n_tensors)}
    alignment = max(1, _number(metadata.get("general.alignment"), _ALIGNMENT))
    start = -(-reader.position // alignment) * alignment
    # A tensor reaches as far as the next one, or the end: so it is counted also where its type is not known.
    offsets = sorted({offset for _, _, offset in listed.values()})
    ends = dict(zip(offsets, [*offsets[1:], file_bytes - start], strict=False))
    tensors = {
        name: TensorInfo(shape, kind, max(0, ends[offset] - offset)) for name, (shape, kind, offset) in listed.items()
    }
    return GgufHeader(metadata, kinds, lengths, tensors, sum(each.n_bytes for each in tensors.values()))


def _read_value(reader: _Reader, key: str, metadata: dict[str, str], lengths: dict[str, int]) -> int:
    """Read one into the texts, or its length into the lengths; its kind."""
    kind = int(reader.scalar("I"))
    if kind == _STRING:
        metadata[key] = reader.text()
    elif kind in _SCALARS:
        metadata[key] = _as_text(reader.scalar(_SCALARS[kind]))
    elif kind == _ARRAY:
        of, length = int(reader.scalar("I")), reader.count(_MOST_HEADER_BYTES)
        lengths[key] = length
        if of == _STRING:
            reader.skip_texts(length)
        elif of not in _SCALARS:
            raise ValueError(f"{key} is an array of an unknown kind {of}")
        elif length > _LONGEST_SHOWN:
            reader.skip(length * struct.calcsize("<" + _SCALARS[of]))
        else:
            metadata[key] = f"[{', '.join(_as_text(reader.scalar(_SCALARS[of])) for _ in range(length))}]"
    else:
        raise ValueError(f"{key} is of an unknown kind {kind}")
    return kind


def _read_tensor(reader: _Reader) -> tuple[tuple[int, ...], int, int]:
    n_dimensions = int(reader.scalar("I"))
    if n_dimensions > _MOST_DIMENSIONS:
        raise ValueError(f"a tensor of {n_dimensions} dimensions")
    shape = tuple(int(reader.scalar("Q")) for _ in range(n_dimensions))
    return shape, int(reader.scalar("I")), int(reader.scalar("Q"))


def _as_text(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else otherwise


def _with_other_parts(header: GgufHeader, path: Path) -> GgufHeader:
    """Count the weights of a model that lies in several files, of which the first is given."""
    found = _SPLIT_NAME.search(path.name)
    if found is None or _number(header.metadata.get("split.count"), 1) < 2:  # noqa: PLR2004 - one file
        return header
    name = path.name[: found.start()]
    others = (path.with_name(f"{name}-{part:05}-of-{found[1]}.gguf") for part in range(2, int(found[1]) + 1))
    n_bytes = header.n_bytes + sum(each.stat().st_size for each in others if each.is_file())
    return replace(header, n_bytes=n_bytes)
