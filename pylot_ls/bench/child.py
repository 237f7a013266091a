"""A process of our own that runs llama.cpp beside the servers: lines of JSON in, lines of JSON out."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

from pylot_ls.errors import ClientError, PylotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pylot_ls.bench.run import Run

_CLOSE_TIMEOUT_S = 10.0


class ChildProcess:
    """Runs a module that calls ``serve``.

    Args:
        module: its name.
        what: what it is, for errors.
        run: how to run the model; there must be one.
    """

    def __init__(self, module: str, what: str, run: Run) -> None:
        self._module = module
        self._what = what
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
        self.greeting: Any = None

    async def __aenter__(self) -> Self:
        """Start the process and wait until the model is loaded.

        Raises:
            ClientError: it could not be loaded.
        """
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            self._options,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            self.greeting = await self._read()
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

    async def ask(self, **question: Any) -> Any:
        """The answer to a question.

        Raises:
            ClientError: the process ended.
        """
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.write(json.dumps(question).encode() + b"\n")
        return await self._read()

    async def _read(self) -> Any:
        if self._child is None or self._child.stdout is None or self._child.stderr is None:
            raise ClientError(f"{self._what} was not started")
        line = await self._child.stdout.readline()
        if not line:
            reason = (await self._child.stderr.read()).decode("utf-8", errors="replace").strip()
            raise ClientError(f"{self._what} ended: {reason or 'no reason given'}")
        return json.loads(line)


def serve(answers: Callable[[dict[str, Any], Iterator[dict[str, Any]]], Iterator[Any]]) -> int:
    """Be such a process: the exit code.

    Args:
        answers: makes of the options and of the questions the greeting and then an answer to each question.
    """
    # What native code prints must not stand between the answers.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as out:
        os.dup2(2, 1)
        try:
            for answer in answers(json.loads(sys.argv[1]), (json.loads(line) for line in sys.stdin)):
                out.write(json.dumps(answer) + "\n")
        except PylotError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0
