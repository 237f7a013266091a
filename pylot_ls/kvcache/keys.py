"""Keys of the prefix cache: what was evaluated before is part of each key. Pure."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BLOCK_TOKENS = 256
KEY_BYTES = 32


def fingerprint(parts: Mapping[str, str | int | float]) -> bytes:
    """Return 32 bytes that stand for all that changes KV: model file, adapters, KV types, attention and so on.

    The order of the parts does not matter; their names, values and types do.
    """
    state = _hash(b"parts")
    for name in sorted(parts):
        value = parts[name]
        for text in (name, type(value).__name__, value if isinstance(value, str) else repr(value)):
            data = text.encode("utf-8", "surrogatepass")
            state.update(struct.pack("<Q", len(data)) + data)
    return state.digest()


def salted(fingerprint: bytes, salt: str) -> bytes:
    """Return what stands for the same model with a salt: its keys are others. "" is no salt."""
    return _hash(b"salt", fingerprint, salt.encode("utf-8", "surrogatepass")).digest() if salt else fingerprint


def block_keys(fingerprint: bytes, tokens: Sequence[int], block_tokens: int = BLOCK_TOKENS) -> tuple[bytes, ...]:
    """Return one key for each full block of tokens; a tail that fills no block has none.

    A key depends on the fingerprint, the block size, the block's own tokens and all tokens before it.

    Args:
        fingerprint: of the model and how it runs.
        tokens: ids that fit into 32 bits, from the first position on.
        block_tokens: tokens in a block, at least 1.

    Raises:
        ValueError: a block of no tokens, or an id that is no 32-bit number.
    """
    if block_tokens < 1:
        raise ValueError(f"a block holds at least one token, not {block_tokens}")
    key = _hash(b"chain", struct.pack("<QQ", block_tokens, len(fingerprint)), fingerprint).digest()
    keys = []
    for end in range(block_tokens, len(tokens) + 1, block_tokens):
        key = _hash(b"block", key, _packed(tokens[end - block_tokens : end])).digest()
        keys.append(key)
    return tuple(keys)


def run_key(fingerprint: bytes, tokens: Sequence[int]) -> bytes:
    """Return the key of exactly these tokens, counted from the first position: what belongs to a tail that ends there.

    Args:
        fingerprint: of the model and how it runs.
        tokens: all of them, also those that stand in full blocks.

    Raises:
        ValueError: an id is no 32-bit number.
    """
    return _hash(b"run", struct.pack("<Q", len(fingerprint)), fingerprint, _packed(tokens)).digest()


def record_key(kind: str, name: str) -> bytes:
    """Return the key of a record that is replaced from time to time.

    Args:
        kind: what is recorded, and in which format.
        name: of what.
    """
    data = kind.encode("utf-8", "surrogatepass")
    return _hash(b"record", struct.pack("<Q", len(data)), data, name.encode("utf-8", "surrogatepass")).digest()


def _hash(kind: bytes, *parts: bytes) -> hashlib.blake2b:
    # The kind keeps a run of one block and that block, whose content is the same, from having one key.
    return hashlib.blake2b(b"".join(parts), digest_size=KEY_BYTES, person=b"pylot:" + kind)


def _packed(tokens: Sequence[int]) -> bytes:
    try:
        return struct.pack(f"<{len(tokens)}i", *tokens)
    except struct.error as error:
        raise ValueError("a token id must be a whole number of 32 bits") from error
