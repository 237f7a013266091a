"""The bare decode loop in a process of its own, as our server and its peers are."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

from pylot_ls.errors import ClientError

if TYPE_CHECKING:
    from pylot_ls.bench.run import Run

_CLOSE_TIMEOUT_S = 10.0


class BareProcess:
    """Runs ``pylot_ls.bench.bare_step``.

    Args:
        run: how to run the model; there must be one.

    Attributes:
        n_ctx: tokens that the model's context holds.
    """

    def __init__(self, run: Run) -> None:
        self._options = json.dumps(
            {
                "path": str(run.model),
                "n_ctx": run.n_ctx,
                "n_threads": run.n_threads,
                "n_gpu_layers": run.n_gpu_layers,
                "flash_attention": run.flash_attention,
            },
        )
        self._child: asyncio.subprocess.Process | None = None
        self.n_ctx = 0

    async def __aenter__(self) -> Self:
        """Start the process and wait until the model is loaded.

        Raises:
            ClientError: it could not be loaded.
        """
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pylot_ls.bench.bare_step",
            self._options,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            self.n_ctx = int((await self._read())["n_ctx"])
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """End the process."""
        if self._child is None or self._child.stdin is None:
            return
        self._child.stdin.close()
        try:
            await asyncio.wait_for(self._child.wait(), _CLOSE_TIMEOUT_S)
        except TimeoutError:
            self._child.kill()
            await self._child.wait()

    async def steps_ms(self, depth: int, n_steps: int) -> list[float]:
        """How long each of some decode steps behind ``depth`` tokens took, in milliseconds.

        Raises:
            ClientError: the process ended, or the context does not hold so many tokens.
        """
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.write(json.dumps({"depth": depth, "n_steps": n_steps}).encode() + b"\n")
        return [float(taken) for taken in await self._read()]

    async def _read(self) -> Any:
        if self._child is None or self._child.stdout is None or self._child.stderr is None:
            raise ClientError("the bare decode loop was not started")
        line = await self._child.stdout.readline()
        if not line:
            reason = (await self._child.stderr.read()).decode("utf-8", errors="replace").strip()
            raise ClientError(f"the bare decode loop ended: {reason or 'no reason given'}")
        return json.loads(line)
