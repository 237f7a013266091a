"""A server of a few methods, for the tests that need a process. Started as ``python toy_server.py [options]``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

import psutil
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from pylot_ls.lsp.connection import ConnectionLimits
from pylot_ls.lsp.protocol import PylotProtocol
from pylot_ls.lsp.stdio import serve_stdio


def build(limits: ConnectionLimits) -> LanguageServer:
    server = LanguageServer("toy", "1", protocol_cls=PylotProtocol)

    @server.feature("toy/echo")
    def echo(params):
        return params

    @server.feature("toy/print")
    def print_everywhere(params):
        print("a stray print of Python")
        sys.stdout.flush()
        os.write(1, b"a stray write of native code\n")
        os.system("echo a stray line of a child process")

    @server.feature("toy/readStdin")
    def read_stdin(params):
        return os.read(0, 10).decode()

    @server.feature("toy/wait")
    async def wait(params):
        await asyncio.Event().wait()

    @server.feature("toy/flood")
    async def flood(params):
        for _ in range(64):
            server.protocol.notify("toy/water", {"text": "x" * (limits.max_unsent_bytes // 16)})
        await asyncio.Event().wait()

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams):
        return types.Hover(contents=f"line {params.position.line}")

    return server


async def serve(options: argparse.Namespace) -> int:
    limits = ConnectionLimits(
        max_unsent_bytes=options.max_unsent_bytes, parent_interval_s=0.02, stall_s=options.stall_s, stop_s=0.2
    )

    async def on_stop() -> None:
        print("on_stop ran", file=sys.stderr, flush=True)
        if options.stop_hangs:
            await asyncio.Event().wait()

    return await serve_stdio(build(limits), on_stop=on_stop, is_alive=psutil.pid_exists, limits=limits)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-unsent-bytes", type=int, default=1024 * 1024)
    parser.add_argument("--stall-s", type=float, default=0.05)
    parser.add_argument("--stop-hangs", action="store_true")
    logging.basicConfig(level=logging.INFO)
    sys.exit(asyncio.run(serve(parser.parse_args())))
