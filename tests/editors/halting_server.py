"""``python halting_server.py FIFO``: the real server with a model that says half an answer, and the rest when told.

It goes on when somebody has opened the FIFO to write. Completions are not held back.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pylot_ls import machine
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.prompt_types import ChatSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.server import PylotServer
from pylot_ls.lsp.stdio import claim_stdio, serve_stdio

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.prompt_types import Prompt

FIRST, REST = "It adds two numbers, ", "and gives back the sum."


class HaltingBackend(ScriptedBackend):
    """Says ``FIRST``, waits at the FIFO, and says ``REST``."""

    def __init__(self, fifo: Path) -> None:
        super().__init__(self._answer_to)
        self._fifo = fifo
        self._n_left = 0

    def _answer_to(self, prompt: Prompt) -> str:
        is_question = any(isinstance(each, ChatSegment) for each in prompt)
        self._n_left = len(FIRST) // 4 + 1 if is_question else 0
        return FIRST + REST if is_question else "scripted_suggestion"

    def _step(self, stopped: Callable[[], bool]) -> None:
        super()._step(stopped)
        self._n_left -= 1
        if self._n_left == 0:
            self._fifo.read_bytes()


async def serve(fifo: Path) -> int:
    streams = claim_stdio()
    backend = HaltingBackend(fifo)
    server = PylotServer({}, lambda _settings: ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}))
    return await serve_stdio(server, on_stop=server.session.close, is_alive=machine.process_alive, streams=streams)


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(Path(sys.argv[1]))))
