"""The server with a model whose answers a test writes. Started as ``python scripted_server.py FILE``.

What FILE holds by the time of a question is the answer.
"""

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


async def serve(answer: Path) -> int:
    streams = claim_stdio()
    backend = ScriptedBackend(lambda _prompt: answer.read_text(encoding="utf-8"))
    server = PylotServer({}, lambda _settings: ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}))
    return await serve_stdio(server, on_stop=server.session.close, is_alive=machine.process_alive, streams=streams)


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(Path(sys.argv[1]))))
