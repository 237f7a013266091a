"""A server that a benchmark starts, waits for and ends: the shared one, or a peer."""

from __future__ import annotations

import abc
import asyncio
import os
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Self

from pylot_ls.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_POLL_INTERVAL_S = 0.05
_CLOSE_TIMEOUT_S = 20.0
_N_LAST_WORDS = 5


class ServerProcess(abc.ABC):
    """Runs from ``async with`` on until that is left.

    Args:
        name: what it is, for errors.
        start_timeout_s: how long it may take to be ready.
        environment: variables besides this process's own.
    """

    def __init__(self, name: str, start_timeout_s: float, environment: Mapping[str, str] | None = None) -> None:
        self._name = name
        self._start_timeout_s = start_timeout_s
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process

    @abc.abstractmethod
    def command(self) -> Sequence[str]:
        """What starts it."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers by now; asked again and again."""

    @property
    def pid(self) -> int:
        """Its process id; 0 before it is started."""
        return self._process.pid if self._process is not None else 0

    async def __aenter__(self) -> Self:
        """Start it and wait until it is ready.

        Raises:
            ClientError: it cannot be started, ended, or does not get ready.
        """
        try:
            await asyncio.to_thread(self._start)
        except BaseException:
            await asyncio.to_thread(self._end)
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """End it."""
        await asyncio.to_thread(self._end)

    def last_words(self) -> str:
        """What it printed last, each line with a line feed before it; "" while it runs."""
        if self._process is None or self._process.poll() is None:
            return ""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", errors="replace").splitlines()
        return "".join(f"\n{line}" for line in lines[-_N_LAST_WORDS:])

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, or one that the user names
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
        except OSError as error:
            raise ClientError(f"cannot start {self._name}: {error.strerror}") from error
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ClientError(f"{self._name} ended before it was ready{self.last_words()}")
            if self.is_ready():
                return
            time.sleep(_POLL_INTERVAL_S)
        raise ClientError(f"{self._name} was not ready after {self._start_timeout_s:.0f} s")

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_CLOSE_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
