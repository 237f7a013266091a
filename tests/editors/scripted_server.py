"""``python scripted_server.py TEXT [COUNTER]``: the real server, with a backend that always answers TEXT.

Each start adds a byte to the file COUNTER, from which a test sees how often the editor started it.
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


async def serve(text: str) -> int:
    """Serve on stdin and stdout until the client goes; the exit code."""
    streams = claim_stdio()
    backend = ScriptedBackend(text)
    server = PylotServer({}, lambda _settings: ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}))
    return await serve_stdio(server, on_stop=server.session.close, is_alive=machine.process_alive, streams=streams)


def main(text: str, counter: str = "") -> int:
    """Count this start, then serve."""
    if counter:
        with Path(counter).open("ab") as starts:
            starts.write(b".")
    return asyncio.run(serve(text))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
