"""On which anchors each document stood last, beside the evaluated prompts themselves: so that it stands there again.

A record holds text of the document, as the evaluated prompts do, and is kept where they are kept or nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pylot_ls.engine.prompt_types import FimOrder
from pylot_ls.features.anchors import LastPrompt
from pylot_ls.kvcache.keys import record_key
from pylot_ls.prompts.anchor import Anchor
from pylot_ls.prompts.drift import Drift
from pylot_ls.prompts.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pylot_ls.text.rope import Text

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

# Raised whenever a record is written otherwise, or means something else.
_KIND = "anchors 1"
# Windows of a huge context may be larger: their documents have no record.
_LARGEST_BYTES = 2**20
# So many characters of a suffix hardly ever stand anywhere else close by.
_TELLING_CHARACTERS = 64


class RecordStore(Protocol):
    """What is needed of ``kvcache.store.PrefixStore``."""

    def get(self, key: bytes) -> bytes | None:
        """A value from memory."""

    def replace(self, key: bytes, value: bytes) -> None:
        """Keep a value in the place of the one before."""

    def prefetch(self, keys: Sequence[bytes], done: Callable[[int], None]) -> None:
        """Bring values from disk to memory."""


class AnchorRecords:
    """Reads and writes the records. Nothing waits for the disk: what is written is queued.

    Attributes:
        store: where they are; None for nowhere.
    """

    def __init__(self, store: RecordStore | None = None) -> None:
        self.store = store
        self._written: dict[str, tuple[LastPrompt, ...]] = {}

    async def read(self, uri: str) -> tuple[LastPrompt, ...]:
        """The last prompts of a document, its anchor's first; none where there is no record, or one that is no good."""
        if self.store is None:
            return ()
        loop, read = asyncio.get_running_loop(), asyncio.Event()

        def done(_n_found: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has ended
                loop.call_soon_threadsafe(read.set)

        key = record_key(_KIND, uri)
        self.store.prefetch([key], done)
        await read.wait()
        value = self.store.get(key)
        return () if value is None else decode(value)

    def write(self, uri: str, prompts: tuple[LastPrompt, ...]) -> None:
        """Keep a document's last prompts in the place of those before."""
        if self.store is None or not prompts or self._written.get(uri) == prompts:
            return
        value = encode(prompts)
        if len(value) <= _LARGEST_BYTES:
            self.store.replace(record_key(_KIND, uri), value)
            self._written[uri] = prompts

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._written.pop(uri, None)


def those_that_fit(prompts: Sequence[LastPrompt], text: Text) -> tuple[LastPrompt, ...]:
    """The prompts whose anchor still stands in the text, where it stands now: what is frozen is there."""
    fitting = []
    for prompt in prompts:
        anchor, cursor = prompt.anchor, prompt.cursor
        offset = anchor.find(text, cursor) if cursor <= len(text) else None
        if offset is not None and _is_suffix_there(replace(anchor, offset=offset), text, cursor):
            fitting.append(LastPrompt(replace(anchor, offset=offset), cursor))
    return tuple(fitting)


def _is_suffix_there(anchor: Anchor, text: Text, cursor: int) -> bool:
    """Whether the frozen suffix follows the cursor, or something typed or pasted there after the last prompt."""
    if anchor.suffix_drift(text, cursor) is not Drift.LARGE:
        return True
    beginning = anchor.suffix[:_TELLING_CHARACTERS]
    hole = text.slice(anchor.offset, anchor.offset + anchor.layout.typed_characters + _TELLING_CHARACTERS)
    start = hole.find(beginning)
    return start >= 0 and anchor.suffix_drift(text, anchor.offset + start) is not Drift.LARGE


def encode(prompts: Sequence[LastPrompt]) -> bytes:
    """A record of these prompts. Escaped to ASCII, so that no lone surrogate can break it."""
    return json.dumps([_plain(each) for each in prompts], separators=(",", ":")).encode("ascii")


def decode(value: bytes) -> tuple[LastPrompt, ...]:
    """The prompts of a record; none where anything of it is not as it would be written."""
    if len(value) > _LARGEST_BYTES:
        return ()
    try:
        prompts = tuple(_prompt(each) for each in json.loads(value))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        _log.info("a record of anchors does not count: %s", type(error).__name__)
        return ()
    return prompts if encode(prompts) == value else ()


def _plain(prompt: LastPrompt) -> dict[str, Any]:
    anchor, layout = prompt.anchor, prompt.anchor.layout
    return {
        "order": layout.order.value,
        "n_prefix": layout.n_prefix,
        "n_suffix": layout.n_suffix,
        "n_typed": layout.n_typed,
        "head": anchor.head,
        "has_gap": anchor.has_gap,
        "prefix": anchor.prefix,
        "suffix": anchor.suffix,
        "begins_text": anchor.begins_text,
        "offset": anchor.offset,
        "cursor": prompt.cursor,
    }


def _prompt(plain: Any) -> LastPrompt:
    """The opposite of ``_plain``.

    Raises:
        ValueError, TypeError, KeyError: it is something else.
    """
    layout = Layout(
        order=FimOrder(plain["order"]),
        n_prefix=_count(plain["n_prefix"]),
        n_suffix=_count(plain["n_suffix"]),
        n_typed=_count(plain["n_typed"]),
    )
    anchor = Anchor(
        layout=layout,
        head=_typed(plain["head"], str),
        has_gap=_typed(plain["has_gap"], bool),
        prefix=_typed(plain["prefix"], str),
        suffix=_typed(plain["suffix"], str),
        begins_text=_typed(plain["begins_text"], bool),
        offset=_count(plain["offset"]),
    )
    cursor = _count(plain["cursor"])
    if cursor < anchor.offset:
        raise ValueError("a cursor before its anchor")
    return LastPrompt(anchor, cursor)


def _count(value: Any) -> int:
    number = _typed(value, int)
    if number < 0:
        raise ValueError("a count below none")
    return number


def _typed(value: Any, kind: type[_T]) -> _T:
    if type(value) is not kind:
        raise TypeError(f"no {kind.__name__}")
    return value
