"""The server with a model that answers each question with one text. Started as ``python scripted_server.py FILE``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pylot_ls import machine
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.lsp.server import PylotServer
from pylot_ls.lsp.stdio import claim_stdio, serve_stdio


async def serve(answer: str) -> int:
    streams = claim_stdio()
    backend = ScriptedBackend(answer)
    server = PylotServer({}, lambda _settings: ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}))
    return await serve_stdio(server, on_stop=server.session.close, is_alive=machine.process_alive, streams=streams)


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(Path(sys.argv[1]).read_text(encoding="utf-8"))))
