"""The editors of ``bench quality``: one with our server, and Vim with llama.vim and llama-server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.filling import Shown
from pylot_ls.bench.ghost_text import TypedAlong, ghost_text
from pylot_ls.bench.infill import infill_request
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylot_ls.bench.corpus import Source
    from pylot_ls.bench.holes import Hole
    from pylot_ls.bench.peer import LlamaServer
    from pylot_ls.lsp.client import EditorClient


class OurEditor:
    """Sends every edit to our server, asks it at each look, and shows what it answers.

    Args:
        client: connected to it.
    """

    def __init__(self, client: EditorClient) -> None:
        self._client = client
        self._uri = ""
        self._cursor = (0, 0)

    async def open(self, source: Source, hole: Hole) -> None:
        """Open a file without the hole: the server never sees what is missing before it is typed."""
        self._uri = source.path.resolve().as_uri()
        self._cursor = hole.cursor
        self._client.open(self._uri, source.language_id, hole.before + hole.after)

    def insert(self, text: str) -> None:
        """One edit for what is typed, and one for what is accepted."""
        self._client.edit(self._cursor, self._cursor, text)
        line, column = self._cursor
        n_feeds = text.count("\n")
        self._cursor = (line + n_feeds, len(text) - text.rfind("\n") - 1 if n_feeds else column + len(text))

    async def look(self) -> Shown:
        """Ask."""
        answer = await self._client.ask(self._cursor)
        return Shown(answer.text, answer.elapsed_ms, answer.confidence)

    def close(self) -> None:
        """Close the file, so that its text is nothing to the next."""
        self._client.close(self._uri)


class PeerEditor:
    """Asks llama-server as llama.vim does, and shows what the plugin shows.

    What is shown stays while it is typed along; the plugin asks anew where nothing is, and not at all with more than
    eight characters behind the cursor.

    Args:
        server: the peer.
        max_tokens: the most tokens decoded for one suggestion.
        sampling: what goes into each request beside what the plugin sends.
    """

    def __init__(self, server: LlamaServer, max_tokens: int, sampling: Mapping[str, Any]) -> None:
        self._server = server
        self._max_tokens = max_tokens
        self._sampling = dict(sampling)
        self._text = Text.from_str("")
        self._cursor = 0
        self._typed_along = TypedAlong()

    async def open(self, _source: Source, hole: Hole) -> None:
        """Open a file without the hole."""
        self._text = Text.from_str(hole.before + hole.after)
        self._cursor = len(hole.before)
        self._typed_along = TypedAlong()

    def insert(self, text: str) -> None:
        """Typed or accepted, it is the same."""
        self._text = self._text.replace(self._cursor, self._cursor, text)
        self._cursor += len(text)

    async def look(self) -> Shown:
        """What is shown already, or what the server answers."""
        began = time.perf_counter()
        here = self._prompt_end()
        text = ghost_text(self._typed_along.rest(self._text, here), self._text, self._cursor)
        request = None if text else infill_request(self._text, self._cursor, self._max_tokens)
        if request is not None:
            answer = await self._server.infill({**request, **self._sampling})
            self._typed_along.add(here, answer.text)
            text = ghost_text(answer.text, self._text, self._cursor)
        return Shown(text, (time.perf_counter() - began) * 1000)

    def close(self) -> None:
        """Nothing is kept of the file."""

    def _prompt_end(self) -> int:
        """Where what is generated begins: at the cursor, and on a line of white space at the line's start."""
        line = self._text.line_of(self._cursor)
        return self._cursor if self._text.line(line).strip() else self._text.line_start(line)
