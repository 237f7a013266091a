"""Texts to vectors: a model that embeds, its context, and the loop that serves requests with them.

Imported on the backend's worker thread: it loads the native libraries.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

import llama_cpp.llama_cpp as lib
import numpy as np

from pylot_ls.engine.failure import failed
from pylot_ls.engine.llama_context import LlamaContext
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.queries import rendered
from pylot_ls.engine.types import Embedded, Finished, FinishReason, Usage
from pylot_ls.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pylot_ls.engine.backend import EventSink
    from pylot_ls.engine.inbox import Inbox, Job
    from pylot_ls.engine.llama_cpp_binding import LlamaModel
    from pylot_ls.engine.memory_plan import MemoryPlan
    from pylot_ls.engine.prompt_types import Segment
    from pylot_ls.engine.rendering import PromptRenderer
    from pylot_ls.engine.types import LastEvent, ModelInfo

    Tokens = tuple[int, ...]


class EmbeddingContext(LlamaContext):
    """A context that keeps nothing: each batch has whole texts, one in each sequence."""

    def vectors(self, texts: Sequence[Tokens]) -> list[bytes]:
        """A vector of length 1 for each text, as little-endian single-precision numbers.

        Args:
            texts: none empty, together no more than a batch, and no more than there are sequences.

        Raises:
            DecodeError: llama.cpp failed, or was interrupted.
        """
        batch, i = self._batch, 0
        batch.n_tokens = sum(map(len, texts))
        for seq, tokens in enumerate(texts):
            for position, token in enumerate(tokens):
                batch.token[i], batch.pos[i], batch.seq_id[i][0], batch.logits[i] = token, position, seq, True
                i += 1
        if self._memory:
            lib.llama_memory_clear(self._memory, False)
        status = int(lib.llama_decode(self._context, batch))
        lib.llama_synchronize(self._context)
        if status:
            raise DecodeError(f"llama.cpp could not embed {i} tokens (status {status})")
        return [self._vector(seq) for seq in range(len(texts))]

    def _vector(self, seq: int) -> bytes:
        found = lib.llama_get_embeddings_seq(self._context, seq)
        if not found:
            raise DecodeError("llama.cpp gave no vector for a text")
        array = np.ctypeslib.as_array(ctypes.cast(found, ctypes.POINTER(ctypes.c_float)), shape=(self.n_embd,))
        length = float(np.linalg.norm(array)) or 1.0
        return (array / length).astype("<f4").tobytes()


@dataclass(slots=True)
class LoadedEmbedder:
    """What the worker holds once the model is there."""

    info: ModelInfo
    model: LlamaModel
    context: EmbeddingContext
    renderer: PromptRenderer
    plan: MemoryPlan

    def close(self) -> None:
        """Free everything native."""
        self.context.close()
        self.model.close()


class EmbeddingWorker:
    """Serves the requests of an inbox until it is closed, the most urgent first.

    Args:
        inbox: where requests come from.
        sink: where events go.
        loaded: the model and its context.
        give_way: waits while another model serves a keystroke.
    """

    def __init__(
        self, inbox: Inbox, sink: EventSink, loaded: LoadedEmbedder, give_way: Callable[[], None] = lambda: None
    ) -> None:
        self._inbox = inbox
        self._give_way = give_way
        self._sink = sink
        self._loaded = loaded
        self._waiting: list[Job] = []

    def warm_up(self) -> None:
        """Let the weights be read before anybody asks."""
        self._loaded.context.vectors([self._tokens(TextSegment("x"))])

    def run(self) -> None:
        """Serve until the inbox is closed and every request has had its last event."""
        while self._take(wait=not self._waiting) or self._waiting:
            if self._waiting:
                job = max(self._waiting, key=lambda each: (each.request.priority, -each.submitted_at))
                self._waiting.remove(job)
                self._serve(job)

    def _take(self, *, wait: bool) -> bool:
        """Take in what has come, and answer what needs no evaluation; whether anything came."""
        taken = self._inbox.take(wait=wait)
        for job in taken:
            if job.request.renders:
                self._end(job, rendered(job, self._loaded.renderer, self._loaded.model.spelling))
            else:
                self._waiting.append(job)
        return bool(taken)

    def _serve(self, job: Job) -> None:
        request = job.request
        try:
            texts = [self._tokens(part) for part in request.prompt]
            batches = list(self._batches(texts))
            vectors = self._embed(job, batches)
        except Exception as error:  # noqa: BLE001 - the other requests must go on
            self._end(job, failed(request.request_id, error))
            return
        if vectors is None:
            self._end(job, Finished(request.request_id, FinishReason.CANCELLED, "", Usage()))
        else:
            self._end(job, Embedded(request.request_id, tuple(vectors), tuple(map(len, texts)), len(batches)))

    def _embed(self, job: Job, batches: Sequence[list[Tokens]]) -> list[bytes] | None:
        """The vectors of all texts; None where nobody waits for them any more."""
        vectors: list[bytes] = []
        for batch in batches:
            if job.cancelled:
                return None
            self._take(wait=False)
            self._give_way()
            vectors += self._loaded.context.vectors(batch)
        return None if job.cancelled else vectors

    def _batches(self, texts: Sequence[Tokens]) -> Iterator[list[Tokens]]:
        """As many texts at once as a batch holds."""
        shape = self._loaded.plan.shape
        batch: list[Tokens] = []
        for tokens in texts:
            if batch and (len(batch) == shape.n_sequences or sum(map(len, batch)) + len(tokens) > shape.n_batch):
                yield batch
                batch = []
            batch.append(tokens)
        if batch:
            yield batch

    def _tokens(self, part: Segment) -> Tokens:
        """What a text is to the model, cut to what a batch holds, since it has to be seen as a whole; its end stays."""
        n_most, whole = self._loaded.plan.shape.n_batch, self._loaded.model.tokenize_whole
        tokens = whole(part.text) if isinstance(part, TextSegment) else self._loaded.renderer.render((part,))
        tokens = tokens or whole(" ")
        return tokens if len(tokens) <= n_most else (*tokens[: n_most - 1], tokens[-1])

    def _end(self, job: Job, event: LastEvent) -> None:
        self._inbox.forget(job)
        self._sink(event)
