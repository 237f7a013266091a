"""A context of llama.cpp, through its low-level bindings: the KV of sequences, owned by one thread.

Only the backend's worker imports this module: it loads the native libraries.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

import llama_cpp.llama_cpp as lib
import numpy as np

from pylot_ls.engine.kv_context import Outcome, Part
from pylot_ls.engine.llama_cpp_binding import log_lines
from pylot_ls.engine.logits import log_total, most_probable
from pylot_ls.engine.ngrams import mix, mixture
from pylot_ls.errors import DecodeError, ModelUnreadableError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pylot_ls.engine.context_shape import ContextShape
    from pylot_ls.engine.llama_cpp_binding import LlamaModel
    from pylot_ls.engine.ngrams import Guess
    from pylot_ls.engine.vocabulary import Ids

# What llama_decode returns, as llama.h has it; anything else is a failure.
_OUTCOMES = {0: Outcome.DONE, 1: Outcome.NO_ROOM, 2: Outcome.ABORTED}

FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}
_KV_TYPES = {"f16": lib.GGML_TYPE_F16, "q8_0": lib.GGML_TYPE_Q8_0}


def _strlen_as_abort_callback() -> tuple[Any, Any]:
    """A native abort callback and the byte it reads.

    llama.cpp asks the callback hundreds of times a step. A Python function would take the GIL each time; C's
    ``strlen`` on a one-character buffer answers the same question ("is the byte set?") without it.
    """
    libc = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    flag = ctypes.create_string_buffer(2)
    return ctypes.cast(libc.strlen, lib.ggml_abort_callback), flag


class LlamaContext:
    """The KV of some sequences and the means to evaluate tokens. One thread only, but for ``interrupt``.

    Raises:
        ModelUnreadableError: llama.cpp could not make a context (mostly: too little memory).
    """

    def __init__(self, model: LlamaModel, shape: ContextShape) -> None:
        self.n_batch = shape.n_batch
        self.rolls_back = not model.is_recurrent()
        self._cuts = model.removes_partially()
        self._row = ctypes.c_float * model.n_vocab
        self.n_embd = model.n_embd
        self._abort_callback, self._abort_flag = _strlen_as_abort_callback()
        params = lib.llama_context_default_params()
        params.n_ctx = shape.n_ctx
        params.n_batch = params.n_ubatch = shape.n_batch
        # One more than is asked for, through which KV is saved and loaded.
        params.n_seq_max = shape.n_sequences + 1
        self._spare = shape.n_sequences
        # Also as many as it has sequences, or it does not begin.
        self._n_outputs = min(shape.n_batch, max(shape.n_outputs, params.n_seq_max))
        params.n_outputs_max = max(self._n_outputs, params.n_seq_max)
        params.type_k = params.type_v = _KV_TYPES[shape.kv_type]
        params.n_threads = params.n_threads_batch = shape.n_threads
        params.flash_attn_type = FLASH_ATTENTION[shape.flash_attention]
        params.kv_unified = True
        params.embeddings = shape.embeds
        if shape.embeds and not model.pools():
            params.pooling_type = lib.LLAMA_POOLING_TYPE_MEAN
        params.no_perf = True
        params.abort_callback = self._abort_callback
        params.abort_callback_data = ctypes.cast(self._abort_flag, ctypes.c_void_p)
        log_lines.first_error = ""
        self._context = lib.llama_init_from_model(model.handle, params)
        if not self._context:
            raise ModelUnreadableError(
                Message(
                    "llama.cpp cannot make a context of {n_ctx} tokens: {reason}; try a smaller model.n_ctx",
                    n_ctx=shape.n_ctx,
                    reason=log_lines.reason(),
                )
            )
        self._memory = lib.llama_get_memory(self._context)
        self._batch = lib.llama_batch_init(shape.n_batch, 0, 1)
        for i in range(shape.n_batch):
            self._batch.n_seq_id[i] = 1

    def apply_adapters(self, adapters: Sequence[tuple[Any, float]]) -> None:
        """Let adapters of the model count from here on; what is stored was evaluated without them.

        Raises:
            ModelUnreadableError: llama.cpp refused them.
        """
        if adapters:
            handles, scales = zip(*adapters, strict=True)
            array = (lib.llama_adapter_lora_p_ctypes * len(handles))(*handles)
            counts = (ctypes.c_float * len(scales))(*scales)
            if lib.llama_set_adapters_lora(self._context, array, len(handles), counts):
                raise ModelUnreadableError(
                    Message("llama.cpp cannot apply the adapters: {reason}", reason=log_lines.reason())
                )

    def interrupt(self, stop: bool) -> None:  # noqa: FBT001 - a setter
        """Make the evaluation that runs end at once, or let the next one run. May be called from any thread."""
        log_lines.expects_errors = stop
        self._abort_flag[0] = b"\x01" if stop else b"\x00"

    def evaluate(self, parts: Sequence[Part]) -> Outcome:
        """Evaluate the parts in one batch of at most ``n_batch`` tokens.

        Raises:
            DecodeError: llama.cpp failed.
        """
        n_tokens = sum(len(part.tokens) for part in parts)
        if not 0 < n_tokens <= self.n_batch:
            # More than n_batch would end the process (GGML_ASSERT).
            raise DecodeError(f"a batch of {n_tokens} tokens does not fit 1 to {self.n_batch}")
        n_outputs = sum(part.n_logits for part in parts)
        if n_outputs > self._n_outputs:  # it would, too
            raise DecodeError(f"logits of {n_outputs} tokens were asked for; a batch has those of {self._n_outputs}")
        batch = self._batch
        batch.n_tokens = n_tokens
        i = 0
        for part in parts:
            first_logits = part.position + len(part.tokens) - part.n_logits
            for position, token in enumerate(part.tokens, part.position):
                batch.token[i] = token
                batch.pos[i] = position
                batch.seq_id[i][0] = part.seq
                batch.logits[i] = position >= first_logits
                i += 1
        status = int(lib.llama_decode(self._context, batch))
        # A GPU only begins there, and whoever measures wants to know when it is done.
        lib.llama_synchronize(self._context)
        if status not in _OUTCOMES:
            raise DecodeError(f"llama.cpp could not evaluate {n_tokens} tokens (status {status})")
        return _OUTCOMES[status]

    def decode(self, tokens: Sequence[int], position: int) -> Outcome:
        """Evaluate tokens of the first sequence."""
        return self.evaluate([Part(0, position, tokens)])

    def greedy(
        self, index: int = -1, among: Ids | None = None, rank: int = 0, guess: Guess | None = None
    ) -> tuple[int, float]:
        """The most probable token after the one at ``index`` of the batch, and the natural logarithm of that.

        With ``among`` one of these, and its probability among them. With ``rank`` the one that has so many before it,
        the last where there are no more. With ``guess`` by the probabilities of the model mixed with those.
        """
        logits = self._logits_at(index)
        ids = None if among is None else np.frombuffer(among, dtype=np.int32)
        if ids is not None:
            logits = logits[ids]
        total = log_total(logits)
        if rank:
            scores = logits - total if guess is None else mixture(guess.among(ids), logits, total)
            place = len(scores) - 1 - min(rank, len(scores) - 1)
            chosen = int(np.argpartition(scores, place)[place])
            logprob = float(scores[chosen])
        else:
            chosen = int(logits.argmax())
            logprob = float(logits[chosen]) - total
            if guess is not None:
                chosen, logprob = mix(guess.among(ids), logits, total, chosen)
        return chosen if among is None else among[chosen], logprob

    def most_probable(self, index: int, n_tokens: int) -> list[tuple[int, float]]:
        """The most probable tokens after the one at ``index`` of the batch, the best first, as ``greedy`` has them."""
        return most_probable(self._logits_at(index), n_tokens)

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        """A copy of the logits after the token at ``index`` of the batch."""
        return self._logits_at(index).copy()

    def _logits_at(self, index: int) -> npt.NDArray[np.float32]:
        """The logits as they lie in llama.cpp's own memory, until the next evaluation."""
        pointer = lib.llama_get_logits_ith(self._context, index)
        # A tenth of the time that numpy's ctypeslib takes, which is as long as a tiny model's operation.
        row = memoryview(self._row.from_address(ctypes.addressof(pointer.contents)))
        return np.frombuffer(row, dtype=np.float32)

    def remove_from(self, seq: int, position: int) -> bool:
        """Drop a sequence's KV from a position on; False when the model's memory refuses a partial removal."""
        return bool(lib.llama_memory_seq_rm(self._memory, seq, position or -1, -1))

    def copy_prefix(self, source: int, target: int, n_tokens: int) -> None:
        """Let ``target``, which must be empty, share the first cells of ``source``."""
        lib.llama_memory_seq_cp(self._memory, source, target, 0, n_tokens)

    def n_stored(self, seq: int) -> int:
        """How many positions of a sequence hold KV."""
        return int(lib.llama_memory_seq_pos_max(self._memory, seq)) + 1

    def save(self, seq: int, start: int, end: int) -> bytes:
        """The KV of the positions from ``start`` to ``end`` of a sequence, as llama.cpp writes it.

        It carries neither the model's identity nor a checksum: who keeps it has to see to both.
        """
        self.remove_from(self._spare, 0)
        lib.llama_memory_seq_cp(self._memory, seq, self._spare, start, end)
        size = int(lib.llama_state_seq_get_size(self._context, self._spare))
        buffer = (ctypes.c_uint8 * size)()
        n_written = int(lib.llama_state_seq_get_data(self._context, buffer, size, self._spare))
        self.remove_from(self._spare, 0)
        return ctypes.string_at(buffer, n_written)

    def load(self, data: bytes, seq: int, start: int, end: int) -> bool:
        """Put saved KV at the end of a sequence; False, and nothing is changed, when it is not of these positions."""
        self.remove_from(self._spare, 0)
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        n_read = int(lib.llama_state_seq_set_data(self._context, buffer, len(data), self._spare))
        # A state has no first position, and a window's is where it begins.
        first = int(lib.llama_memory_seq_pos_min(self._memory, self._spare)) if self._cuts else start
        sound = n_read == len(data) and (first, self.n_stored(self._spare)) == (start, end)
        if sound:
            lib.llama_memory_seq_cp(self._memory, self._spare, seq, start, end)
        self.remove_from(self._spare, 0)
        return sound

    def close(self) -> None:
        """Free the KV and the compute buffers."""
        if self._context:
            lib.llama_batch_free(self._batch)
            lib.llama_free(self._context)
            self._context = None
