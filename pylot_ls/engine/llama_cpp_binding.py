"""llama.cpp through its low-level bindings: a model and a context, each owned by one thread.

Only the backend's worker imports this module: importing llama_cpp loads the native libraries.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# ggml starts a debugger, if it finds one, before it aborts; an editor's server must just end.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")

import llama_cpp
import llama_cpp.llama_cpp as lib
import numpy as np

from pylot_ls.engine.fim_vocabulary import fim_tokens_of
from pylot_ls.engine.fragments import without_added_space
from pylot_ls.engine.kv_context import Outcome, Part
from pylot_ls.engine.metadata import embeds
from pylot_ls.engine.types import FimTokens, Marker
from pylot_ls.errors import DecodeError, ModelUnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from pylot_ls.engine.manifest import FimTexts
    from pylot_ls.engine.vocabulary import Ids

_log = logging.getLogger("llama.cpp")
# llama.cpp reports its progress at INFO, hundreds of lines of it, and warns of what we do on purpose (a context with
# room for several prompts is larger than what the model was trained on).
_GGML_LEVELS = {4: logging.ERROR}
_GGML_CONTINUED = 5

# What llama_decode returns, as llama.h has it; anything else is a failure.
_OUTCOMES = {0: Outcome.DONE, 1: Outcome.NO_ROOM, 2: Outcome.ABORTED}

# Few tokens are longer.
_PIECE_BYTES = 256

FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}


class _LogLines:
    """llama.cpp's log, line by line, to Python's logging.

    Attributes:
        first_error: since it was last set to ""; kept for our own messages, since the errors that follow the first
            only say that something failed.
        expects_errors: llama.cpp reports an interrupted evaluation as three errors; they are what was asked for.
    """

    def __init__(self) -> None:
        self.first_error = ""
        self.expects_errors = False
        self._level = logging.INFO
        self._line = ""
        self.callback = lib.llama_log_callback(self._receive)

    def _receive(self, level: int, text: bytes, _data: Any) -> None:
        if level != _GGML_CONTINUED:
            self._level = _GGML_LEVELS.get(level, logging.DEBUG)
        self._line += text.decode("utf-8", errors="replace")
        if not self._line.endswith("\n"):
            return
        line, self._line = self._line.strip(), ""
        if self._level == logging.ERROR:
            self.first_error = self.first_error or line
        _log.log(logging.DEBUG if self.expects_errors else self._level, "%s", line)

    def reason(self) -> str:
        """The first error without the name of the function that reported it."""
        return self.first_error.removeprefix("llama_model_load: error loading model: ") or "no reason given"


_log_lines = _LogLines()
lib.llama_log_set(_log_lines.callback, ctypes.c_void_p(0))
lib.llama_backend_init()


def system_info() -> str:
    """The processor features that this build of llama.cpp uses, as it names them."""
    return str(lib.llama_print_system_info().decode("utf-8", errors="replace"))


def supports_gpu_offload() -> bool:
    """Whether this build can put layers on a GPU."""
    return bool(lib.llama_supports_gpu_offload())


def _strlen_as_abort_callback() -> tuple[Any, Any]:
    """A native abort callback and the byte it reads.

    llama.cpp asks the callback hundreds of times a step. A Python function would take the GIL each time; C's
    ``strlen`` on a one-character buffer answers the same question ("is the byte set?") without it.
    """
    libc = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    flag = ctypes.create_string_buffer(2)
    return ctypes.cast(libc.strlen, lib.ggml_abort_callback), flag


class LlamaModel:
    """The weights and the vocabulary of a GGUF file.

    Args:
        path: a file that ``check_model_file`` accepted.
        n_gpu_layers: layers on the GPU, negative for all.
        on_progress: called with fractions from 0 to 1 while reading; reading stops when it returns False.

    Attributes:
        tokenize: ordinary text to tokens: special tokens spelt out in it stay text, and nothing is added.

    Raises:
        ModelUnreadableError: llama.cpp refused the file, or reading was stopped.
    """

    def __init__(self, path: Path, *, n_gpu_layers: int, on_progress: Callable[[float], bool]) -> None:
        params = lib.llama_model_default_params()
        params.n_gpu_layers = n_gpu_layers
        # Kept alive by this frame for as long as llama.cpp may call it.
        progress = lib.llama_progress_callback(lambda fraction, _data: on_progress(fraction))
        params.progress_callback = progress
        _log_lines.first_error = ""
        self._model = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelUnreadableError(
                f"llama.cpp cannot load {path}: {_log_lines.reason()}; "
                "fetch the file again, or set model.path to another model",
            )
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self.vocab))
        self.n_ctx_train = int(lib.llama_model_n_ctx_train(self._model))
        self.n_params = int(lib.llama_model_n_params(self._model))
        self.size_bytes = int(lib.llama_model_size(self._model))
        self.tokenize = without_added_space(self._tokenize, self.piece)

    @property
    def handle(self) -> Any:
        """The native model."""
        return self._model

    def metadata(self, key: str) -> str | None:
        """A value of the GGUF metadata as text; None when absent."""
        buffer = ctypes.create_string_buffer(512)
        length = lib.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", errors="replace") if length >= 0 else None

    def removes_partially(self) -> bool:
        """Whether the KV of this architecture can be cut at any position."""
        return not (self.is_recurrent() or lib.llama_model_n_swa(self._model) > 0)

    def has_cells(self) -> bool:
        """Whether tokens take cells of a context, which all but those with nothing but a state do."""
        return not lib.llama_model_is_recurrent(self._model)

    def is_recurrent(self) -> bool:
        """Whether it keeps, in some layers at least, one state that each token overwrites."""
        return bool(lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model))

    def build(self) -> str:
        """The library's version and that of the states it writes."""
        return f"{llama_cpp.__version__} state {lib.LLAMA_STATE_SEQ_VERSION}"

    def generates(self) -> bool:
        """Whether it is a model that produces text, not one that encodes or embeds it."""
        return bool(lib.llama_model_has_decoder(self._model)) and not embeds(self.metadata)

    def fim_tokens(self, texts: FimTexts | None = None) -> FimTokens | None:
        """The ids of the fill-in-the-middle tokens; None where neither its metadata nor ``texts`` name them.

        Raises:
            ModelUnsupportedError: ``texts`` name one that the vocabulary lacks.
        """
        askers = (lib.llama_vocab_fim_pre, lib.llama_vocab_fim_suf, lib.llama_vocab_fim_mid)
        ids = [int(ask(self.vocab)) for ask in askers]
        if min(ids) >= 0:
            return FimTokens(*ids)
        return fim_tokens_of(texts, self.special_token) if texts else None

    def special_token(self, text: str) -> int | None:
        """The id of the token that is spelt so; None where there is none, as where it takes several."""
        tokens = self._tokenize(text, special=True)
        return tokens[0] if len(tokens) == 1 else None

    def markers(self, texts: FimTexts | None = None) -> dict[Marker, int | None]:
        """The special tokens it has, None for what its prompts do without; ``texts`` as for ``fim_tokens``."""
        bos = int(lib.llama_vocab_bos(self.vocab))
        begins = lib.llama_vocab_get_add_bos(self.vocab) and bos >= 0
        found: dict[Marker, int | None] = {Marker.BOS: bos if begins else None}
        fim = self.fim_tokens(texts)
        if fim is not None:
            found |= {
                Marker.FIM_PREFIX: fim.prefix,
                Marker.FIM_SUFFIX: fim.suffix,
                Marker.FIM_MIDDLE: fim.middle,
            }
        return found

    def _tokenize(self, text: str, *, special: bool = False) -> tuple[int, ...]:
        # A client can send lone surrogates; they become U+FFFD, as they would in a file.
        data = text.encode("utf-8", errors="replace")
        capacity = len(data) + 8
        tokens = (lib.llama_token * capacity)()
        count = lib.llama_tokenize(self.vocab, data, len(data), tokens, capacity, False, special)
        if count < 0:
            raise DecodeError(f"the vocabulary could not tokenise a text of {len(data)} bytes")
        return tuple(tokens[:count])

    def pieces(self) -> list[bytes]:
        """The bytes of each token by its id; empty for those that are never text, or end it."""
        # Written for speed: a vocabulary has 150,000 of them.
        vocab, to_piece, ends = self.vocab, lib.llama_token_to_piece, lib.llama_vocab_is_eog
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        lengths = (to_piece(vocab, token, buffer, _PIECE_BYTES, 0, False) for token in range(self.n_vocab))
        pieces = [buffer.raw[:length] if length >= 0 else self.piece(token) for token, length in enumerate(lengths)]
        return [piece and (b"" if ends(vocab, token) else piece) for token, piece in enumerate(pieces)]

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; empty for special tokens."""
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        length = lib.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, False)
        if length < 0:
            buffer = ctypes.create_string_buffer(-length)
            length = lib.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, False)
        return buffer.raw[:length]

    def ends_text(self, token: int) -> bool:
        """Whether a token ends the text: end of generation, or any control token (none may reach the user)."""
        return bool(lib.llama_vocab_is_eog(self.vocab, token) or lib.llama_vocab_is_control(self.vocab, token))

    def close(self) -> None:
        """Free the weights. Contexts of it are closed before."""
        if self._model:
            lib.llama_model_free(self._model)
            self._model = None


@dataclass(frozen=True, slots=True)
class ContextShape:
    """How a context is laid out.

    Attributes:
        n_ctx: cells; every token of every sequence takes one, shared prefixes once.
        n_batch: most tokens in one evaluation.
        n_threads: processor threads.
        flash_attention: a key of FLASH_ATTENTION.
        n_sequences: how many sequences it can hold.
    """

    n_ctx: int
    n_batch: int
    n_threads: int
    flash_attention: str
    n_sequences: int = 1


class LlamaContext:
    """The KV of some sequences and the means to evaluate tokens. One thread only, but for ``interrupt``.

    Raises:
        ModelUnreadableError: llama.cpp could not make a context (mostly: too little memory).
    """

    def __init__(self, model: LlamaModel, shape: ContextShape) -> None:
        self.n_batch = shape.n_batch
        self.rolls_back = not model.is_recurrent()
        self._cuts = model.removes_partially()
        self._n_vocab = model.n_vocab
        self._abort_callback, self._abort_flag = _strlen_as_abort_callback()
        params = lib.llama_context_default_params()
        params.n_ctx = shape.n_ctx
        params.n_batch = params.n_ubatch = shape.n_batch
        # One more than is asked for, through which KV is saved and loaded.
        params.n_seq_max = shape.n_sequences + 1
        self._spare = shape.n_sequences
        params.n_threads = params.n_threads_batch = shape.n_threads
        params.flash_attn_type = FLASH_ATTENTION[shape.flash_attention]
        params.kv_unified = True
        params.no_perf = True
        params.abort_callback = self._abort_callback
        params.abort_callback_data = ctypes.cast(self._abort_flag, ctypes.c_void_p)
        _log_lines.first_error = ""
        self._context = lib.llama_init_from_model(model.handle, params)
        if not self._context:
            raise ModelUnreadableError(
                f"llama.cpp cannot make a context of {shape.n_ctx} tokens: {_log_lines.reason()}; "
                "try a smaller model.n_ctx",
            )
        self._memory = lib.llama_get_memory(self._context)
        self._batch = lib.llama_batch_init(shape.n_batch, 0, 1)
        for i in range(shape.n_batch):
            self._batch.n_seq_id[i] = 1

    def interrupt(self, stop: bool) -> None:  # noqa: FBT001 - a setter
        """Make the evaluation that runs end at once, or let the next one run. May be called from any thread."""
        _log_lines.expects_errors = stop
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

    def greedy(self, index: int = -1, among: Ids | None = None, rank: int = 0) -> tuple[int, float]:
        """The most probable token after the one at ``index`` of the batch, and the natural logarithm of that.

        With ``among`` one of these, and its probability among them. With ``rank`` the one that has so many before it,
        the last where there are no more.
        """
        logits = np.ctypeslib.as_array(lib.llama_get_logits_ith(self._context, index), shape=(self._n_vocab,))
        if among is not None:
            logits = logits[np.frombuffer(among, dtype=np.int32)]
        place = len(logits) - 1 - min(rank, len(logits) - 1)
        chosen = int(np.argpartition(logits, place)[place]) if rank else int(logits.argmax())
        # Less the largest one first, or the exponentials overflow.
        top = logits.max()
        logprob = float(logits[chosen] - top - np.log(np.exp(logits - top).sum()))
        return chosen if among is None else among[chosen], logprob

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        """A copy of the logits after the token at ``index`` of the batch."""
        return np.ctypeslib.as_array(lib.llama_get_logits_ith(self._context, index), shape=(self._n_vocab,)).copy()

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
