"""How a value stands in its file: behind a header that says whose it is and what its bytes were. Pure.

Header: magic, format version, the key's and the value's length, a checksum of all that and of the key and the value;
then the key, then the value.
"""

from __future__ import annotations

import hashlib
import struct

MAGIC = b"pylot-kv"
VERSION = 1

_FIXED = struct.Struct("<8sHHQ")
_CHECKSUM_BYTES = 32
_KEY_START = _FIXED.size + _CHECKSUM_BYTES


class EntryError(ValueError):
    """A stored entry does not count."""


class CorruptEntryError(EntryError):
    """It is not as it was written, or not written by this version."""


class ForeignEntryError(EntryError):
    """It is sound, but another key's, or not of a kind that is ever written here."""


def entry_bytes(key: bytes, value: bytes) -> int:
    """Return the size of the entry, in bytes."""
    return _KEY_START + len(key) + len(value)


def pack(key: bytes, value: bytes) -> bytes:
    """Return the entry; the key may have up to 65,535 bytes."""
    fixed = _FIXED.pack(MAGIC, VERSION, len(key), len(value))
    return b"".join((fixed, _checksum(fixed, key, value), key, value))


def unpack(key: bytes, entry: bytes) -> bytes:
    """Return the value that was packed under the key.

    Raises:
        CorruptEntryError: a byte is not as it was written.
        ForeignEntryError: it was packed under another key.
    """
    view = memoryview(entry)
    if len(view) < _KEY_START:
        raise CorruptEntryError("shorter than a header")
    fixed, checksum = view[: _FIXED.size], view[_FIXED.size : _KEY_START]
    magic, version, n_key, n_value = _FIXED.unpack(fixed)
    if magic != MAGIC or version != VERSION or len(view) != _KEY_START + n_key + n_value:
        raise CorruptEntryError("not the header of an entry of this size")
    stored_key, value = view[_KEY_START : _KEY_START + n_key], view[_KEY_START + n_key :]
    if checksum != _checksum(fixed, stored_key, value):
        raise CorruptEntryError("the checksum does not fit")
    if stored_key != key:
        raise ForeignEntryError("the value of another key")
    return bytes(value)


def _checksum(fixed: bytes | memoryview, key: bytes | memoryview, value: bytes | memoryview) -> bytes:
    state = hashlib.blake2b(digest_size=_CHECKSUM_BYTES)
    for part in (fixed, key, value):
        state.update(part)
    return state.digest()
