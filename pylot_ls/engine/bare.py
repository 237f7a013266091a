"""The bare decode loop: llama.cpp with nothing around it, as the yardstick for what the engine adds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pylot_ls.engine.context_shape import ContextShape
from pylot_ls.engine.llama_context import LlamaContext
from pylot_ls.engine.llama_cpp_binding import LlamaModel
from pylot_ls.engine.model_file import check_model_file
from pylot_ls.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

_N_BATCH = 512
# A prime far from any structure of a vocabulary.
_STRIDE = 7919


def filler(n_vocab: int, positions: range, stride: int = _STRIDE) -> list[int]:
    """Tokens for some positions of a context, spread over the whole vocabulary; another stride gives others."""
    return [position * stride % n_vocab for position in positions]


class BareLoop:
    """A model and a context of one sequence, decoded token by token on the calling thread.

    Args:
        path: a GGUF file.
        n_ctx: tokens of context, capped at what the model was trained on.
        n_threads: processor threads.
        n_gpu_layers: layers on a GPU, negative for all.
        flash_attention: "auto", "on" or "off".

    Attributes:
        n_ctx: tokens that the context holds.

    Raises:
        ModelError: the file is none, or is damaged.
    """

    def __init__(self, path: Path, *, n_ctx: int, n_threads: int, n_gpu_layers: int, flash_attention: str) -> None:
        check_model_file(path)
        self._model = LlamaModel(path, n_gpu_layers=n_gpu_layers, on_progress=lambda _fraction: True)
        self.n_ctx = min(n_ctx, self._model.n_ctx_train or n_ctx)
        shape = ContextShape(self.n_ctx, min(_N_BATCH, self.n_ctx), n_threads, flash_attention)
        self._context = LlamaContext(self._model, shape)
        self._n_stored = 0

    def steps_ms(self, depth: int, n_steps: int) -> list[float]:
        """Decode tokens one at a time behind ``depth`` others; how long each step took, choosing its token included.

        Raises:
            RequestError: the context does not hold so many.
        """
        if depth < 1 or depth + n_steps > self.n_ctx:
            raise RequestError(f"{n_steps} steps behind {depth} tokens do not fit a context of {self.n_ctx}")
        self._store(depth)
        token, _ = self._context.greedy()
        taken = []
        for position in range(depth, depth + n_steps):
            began = time.perf_counter()
            self._context.decode([token], position)
            token, _ = self._context.greedy()
            taken.append((time.perf_counter() - began) * 1000)
        self._n_stored = depth + n_steps
        return taken

    def _store(self, depth: int) -> None:
        """Let the context hold exactly so many tokens."""
        if self._n_stored > depth:
            if self._context.remove_from(0, depth - 1):
                self._n_stored = depth - 1
            else:
                # A recurrent state cannot be rewound.
                self._context.remove_from(0, 0)
                self._n_stored = 0
        while self._n_stored < depth:
            n_tokens = min(self._context.n_batch, depth - self._n_stored)
            positions = range(self._n_stored, self._n_stored + n_tokens)
            self._context.decode(filler(self._model.n_vocab, positions), self._n_stored)
            self._n_stored += n_tokens

    def close(self) -> None:
        """Free everything native."""
        self._context.close()
        self._model.close()
