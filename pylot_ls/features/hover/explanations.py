"""Explanations that were made before, by what they explain: so they outlive edits elsewhere, and the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from pylot_ls.kvcache.keys import fingerprint, record_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_log = logging.getLogger(__name__)

# Raised whenever an explanation is asked for, cut or written otherwise.
_KIND = "explanation 1"
_MOST_IN_MEMORY = 256
_LARGEST_BYTES = 16 * 1024


class ExplanationStore(Protocol):
    """What is needed of ``kvcache.store.PrefixStore``."""

    def get(self, key: bytes) -> bytes | None:
        """A value from memory."""

    def replace(self, key: bytes, value: bytes) -> None:
        """Keep a value in the place of the one before."""

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """Bring values from disk to memory."""


class Explanations:
    """Those of a session in memory, and those that may be kept in the store. Nothing waits for the disk.

    Attributes:
        store: where those that may be kept are; None for nowhere.
    """

    def __init__(self, store: ExplanationStore | None = None, most: int = _MOST_IN_MEMORY) -> None:
        self.store = store
        self._most = most
        self._texts: OrderedDict[bytes, str] = OrderedDict()

    async def read(self, key: bytes, *, kept: bool) -> str | None:
        """What was written under a key; None where nothing was. ``kept``: whether to look in the store, too."""
        if key in self._texts:
            self._texts.move_to_end(key)
            return self._texts[key]
        if self.store is None or not kept:
            return None
        loop, read = asyncio.get_running_loop(), asyncio.Event()

        def done(_n_found: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
                loop.call_soon_threadsafe(read.set)

        self.store.prefetch([key], done)
        await read.wait()
        value = self.store.get(key)
        text = None if value is None else _decoded(value)
        if text is not None:
            self._remember(key, text)
        return text

    def write(self, key: bytes, text: str, *, kept: bool) -> None:
        """Keep an explanation, or that there is none worth showing. ``kept``: whether it may reach the disk."""
        self._remember(key, text)
        value = _encoded(text)
        if self.store is not None and kept and len(value) <= _LARGEST_BYTES:
            self.store.replace(key, value)

    def clear(self) -> None:
        """Forget those in memory; the store is cleared by whoever owns it."""
        self._texts.clear()

    def _remember(self, key: bytes, text: str) -> None:
        self._texts[key] = text
        self._texts.move_to_end(key)
        while len(self._texts) > self._most:
            self._texts.popitem(last=False)


def explanation_key(parts: Mapping[str, str | int | float]) -> bytes:
    """The key of an explanation, by all that it follows from."""
    return record_key(_KIND, fingerprint(parts).hex())


def _encoded(text: str) -> bytes:
    # Escaped to ASCII, so that no lone surrogate can break it.
    return json.dumps({"text": text}).encode("ascii")


def _decoded(value: bytes) -> str | None:
    """The text of a record; None where anything of it is not as it would be written."""
    try:
        plain = json.loads(value) if len(value) <= _LARGEST_BYTES else None
    except (ValueError, RecursionError):
        plain = None
    text = plain.get("text") if isinstance(plain, dict) else None
    if not isinstance(text, str) or _encoded(text) != value:
        _log.info("a kept explanation does not count")
        return None
    return text
