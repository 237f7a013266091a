"""llama-server as a peer: started on the same model, asked as its users' editors ask it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.server_process import ServerProcess
from pylot_ls.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pylot_ls.bench.run import Run

_HOST = "127.0.0.1"
_LOAD_TIMEOUT_S = 300.0
_ANSWER_TIMEOUT_S = 600.0
# The batch that llama.vim's users give it; llama-server takes this many tokens of prompt.
_N_BATCH = 1024
_CACHE_REUSE = 256
# llama-server adds the name of a project and of a file to the prompt.
_N_HEADER = 16


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What the peer answered to one request, and what it cost, as it counted.

    Attributes:
        text: what it generated.
        tokens_evaluated: prompt tokens it had to evaluate.
        tokens_decoded: tokens it produced.
        first_token_ms: from taking the request to the logits of its prompt, from which its first token is drawn.
        wall_ms: from sending the request to having the answer.
    """

    text: str
    tokens_evaluated: int
    tokens_decoded: int
    first_token_ms: float
    wall_ms: float


class LlamaServer(ServerProcess):
    """A llama-server on a free port of the loopback interface.

    Args:
        program: the executable.
        run: how to run the model; there must be one.
        n_ctx: tokens of context that the model has at most.
        n_slots: how many requests it works on at once, each with a context of that size.

    Attributes:
        port: on the loopback interface.
        n_batch: tokens of a prompt that it takes at most.
    """

    def __init__(self, program: Path, run: Run, n_ctx: int, n_slots: int = 1) -> None:
        self.n_batch = min(_N_BATCH, n_ctx - 2 * run.max_tokens - _N_HEADER)
        if self.n_batch < _N_HEADER:
            raise ClientError(
                f"a context of {n_ctx} tokens has no room for a prompt of llama-server's and {run.max_tokens} tokens; "
                "lower --max-tokens or choose another model",
            )
        super().__init__(f"the peer {program}", _LOAD_TIMEOUT_S)
        self._program = program
        self._run = run
        self._n_ctx = n_ctx
        self._n_slots = n_slots
        self.port = _free_port()

    def arguments(self) -> list[str]:
        """What it is started with."""
        run = self._run
        options = {
            "-m": run.model,
            "--host": _HOST,
            "--port": self.port,
            "-c": self._n_ctx * self._n_slots,
            "-t": run.n_threads,
            "-np": self._n_slots,
            "-b": self.n_batch,
            "-ub": self.n_batch,
            "--cache-reuse": _CACHE_REUSE,
        }
        if run.n_gpu_layers >= 0:
            options["-ngl"] = run.n_gpu_layers
        return [str(part) for option in options.items() for part in option]

    def command(self) -> Sequence[str]:
        """See ``ServerProcess``."""
        return [str(self._program), *self.arguments()]

    async def infill(self, body: dict[str, Any]) -> PeerAnswer:
        """Ask ``/infill``.

        Raises:
            ClientError: it ended, or refused.
        """
        return await asyncio.to_thread(self._infill, body)

    def _infill(self, body: dict[str, Any]) -> PeerAnswer:
        began = time.perf_counter()
        status, answer = self._ask("POST", "/infill", body)
        wall_ms = (time.perf_counter() - began) * 1000
        if status != http.HTTPStatus.OK:
            raise ClientError(f"the peer refused a request: {answer}")
        try:
            timings = answer["timings"]
            return PeerAnswer(
                text=str(answer["content"]),
                tokens_evaluated=int(timings["prompt_n"]),
                tokens_decoded=int(timings["predicted_n"]),
                first_token_ms=float(timings["prompt_ms"]),
                wall_ms=wall_ms,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ClientError(f"the peer's answer has no text or no timings that can be read: {error}") from error

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        # A connection each time, as curl makes one for llama.vim.
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=_ANSWER_TIMEOUT_S)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"} if data else {})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ClientError(f"the peer does not answer: {error}{self.last_words()}") from error
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """See ``ServerProcess``."""
        try:
            status, _ = self._ask("GET", "/health")
        except ClientError:
            return False  # it does not listen yet
        return status == http.HTTPStatus.OK


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
