"""llama.cpp through its low-level bindings: the library, its log and a model, which one thread owns.

Only the backend's worker imports this module: importing llama_cpp loads the native libraries.
"""

from __future__ import annotations

import ctypes
import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any

# ggml starts a debugger, if it finds one, before it aborts; an editor's server must just end.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")

import llama_cpp
import llama_cpp.llama_cpp as lib

from pylot_ls.engine.chat import ChatForm
from pylot_ls.engine.fim_vocabulary import fim_tokens_of
from pylot_ls.engine.fragments import without_added_space
from pylot_ls.engine.grammar_sampler import GrammarSampler
from pylot_ls.engine.mapped_file import MappedFile
from pylot_ls.engine.metadata import embeds, pools
from pylot_ls.engine.prompt_types import Marker
from pylot_ls.engine.types import FimTokens, SpecialToken
from pylot_ls.errors import DecodeError, ModelUnreadableError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pylot_ls.engine.adapters import Adapter
    from pylot_ls.engine.manifest import FimTexts

_log = logging.getLogger("llama.cpp")
# llama.cpp reports its progress at INFO, hundreds of lines of it, and warns of what we do on purpose (a context with
# room for several prompts is larger than what the model was trained on).
_GGML_LEVELS = {4: logging.ERROR}
_GGML_CONTINUED = 5

# Few tokens are longer.
_PIECE_BYTES = 256
# No template that llama.cpp knows adds as much to a message.
_TEMPLATE_BYTES = 8192


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


log_lines = _LogLines()
lib.llama_log_set(log_lines.callback, ctypes.c_void_p(0))
lib.llama_backend_init()


def system_info() -> str:
    """The processor features that this build of llama.cpp uses, as it names them."""
    return str(lib.llama_print_system_info().decode("utf-8", errors="replace"))


def supports_gpu_offload() -> bool:
    """Whether this build can put layers on a GPU."""
    return bool(lib.llama_supports_gpu_offload())


def _filled(template: bytes, messages: Sequence[tuple[str, str]], *, opens_answer: bool = True) -> str | None:
    """A template with messages in it, and where the answer begins; None where llama.cpp does not know it."""
    given = [(role.encode(), content.encode("utf-8", errors="replace")) for role, content in messages]
    array = (lib.llama_chat_message * len(given))(*(lib.llama_chat_message(*each) for each in given))
    capacity = _TEMPLATE_BYTES * (1 + len(given)) + sum(len(content) for _, content in given)
    buffer = ctypes.create_string_buffer(capacity)
    length = lib.llama_chat_apply_template(template, array, len(given), opens_answer, buffer, capacity)
    return buffer.raw[:length].decode("utf-8", errors="replace") if 0 <= length <= capacity else None


def knows_template(template: bytes | None) -> bool:
    """Whether conversations can be laid out by a template."""
    return template is not None and _filled(template, [("user", "x")]) is not None


class LlamaModel:
    """The weights and the vocabulary of a GGUF file.

    Args:
        path: a file that ``check_model_file`` accepted.
        n_gpu_layers: layers on the GPU, negative for all.
        on_progress: called with fractions from 0 to 1 while reading; reading stops when it returns False.

    Attributes:
        adapters: that were loaded, each with how much of it counts.
        tokenize: ordinary text to tokens: special tokens spelt out in it stay text, and nothing is added.
        tokenize_special: the same, but they become those tokens.
        tokenize_opening: the same of what begins a text, with the space that a vocabulary may put before it.

    Raises:
        ModelUnreadableError: llama.cpp refused the file, or reading was stopped.
    """

    def __init__(self, path: Path, *, n_gpu_layers: int, on_progress: Callable[[float], bool]) -> None:
        params = lib.llama_model_default_params()
        params.n_gpu_layers = n_gpu_layers
        # Kept alive by this frame for as long as llama.cpp may call it.
        progress = lib.llama_progress_callback(lambda fraction, _data: on_progress(fraction))
        params.progress_callback = progress
        log_lines.first_error = ""
        self._mapped = MappedFile.open(path)
        params.load_mode = lib.LLAMA_LOAD_MODE_AUTO if self._mapped else lib.LLAMA_LOAD_MODE_NONE
        self._model = lib.llama_model_load_from_file(os.fsencode(path), params)
        if self._mapped and self._model:
            self._mapped.guard()
        if not self._model:
            self._unmap()
            raise ModelUnreadableError(
                Message(
                    "llama.cpp cannot load {path}: {reason}; fetch the file again, or set model.path to another model",
                    path=path,
                    reason=log_lines.reason(),
                )
            )
        self.adapters: list[tuple[Any, float]] = []
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self.vocab))
        self.n_ctx_train = int(lib.llama_model_n_ctx_train(self._model))
        self.n_params = int(lib.llama_model_n_params(self._model))
        self.n_embd = int(lib.llama_model_n_embd_out(self._model))
        self.size_bytes = int(lib.llama_model_size(self._model))
        # To ask llama.cpp takes as long as a tiny model's operation, and it always says the same.
        self._pieces: dict[int, bytes] = {}
        self._endings: dict[int, bool] = {}
        self.tokenize = without_added_space(self._tokenize, self.piece)
        self.tokenize_opening = partial(self._tokenize, special=True)
        self.tokenize_special = without_added_space(self.tokenize_opening, self.piece)

    def load_adapters(self, adapters: Sequence[Adapter]) -> None:
        """Load adapters that ``check_adapter`` accepted, before a context is made; they are freed with the model.

        Raises:
            ModelUnreadableError: llama.cpp refused one.
        """
        for adapter in adapters:
            log_lines.first_error = ""
            handle = lib.llama_adapter_lora_init(self._model, os.fsencode(adapter.path))
            if not handle:
                raise ModelUnreadableError(
                    Message(
                        "llama.cpp cannot load the adapter {path}: {reason}; make it again",
                        path=adapter.path,
                        reason=log_lines.reason(),
                    )
                )
            self.adapters.append((handle, adapter.scale))

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

    def pools(self) -> bool:
        """Whether it says how the vectors of a text's tokens become one."""
        return pools(self.metadata)

    def tokenize_whole(self, text: str) -> tuple[int, ...]:
        """A text by itself to tokens, with those that begin and end one; special tokens spelt out in it stay text."""
        return self._tokenize(text, whole=True)

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

    def begins_texts(self) -> bool:
        """Whether texts are to begin with the token that begins them."""
        return bool(lib.llama_vocab_get_add_bos(self.vocab)) and self.bos() is not None

    def bos(self) -> SpecialToken | None:
        """What begins texts; None where it has no such token."""
        return self._written(int(lib.llama_vocab_bos(self.vocab)))

    def eos(self) -> SpecialToken | None:
        """What ends texts; None where it has no such token."""
        return self._written(int(lib.llama_vocab_eos(self.vocab)))

    def _written(self, token: int) -> SpecialToken | None:
        return SpecialToken(token, self.spelling(token).decode(errors="replace")) if token >= 0 else None

    def markers(self, texts: FimTexts | None = None) -> dict[Marker, int | None]:
        """The special tokens it has, None for what its prompts do without; ``texts`` as for ``fim_tokens``."""
        bos = self.bos() if self.begins_texts() else None
        found: dict[Marker, int | None] = {Marker.BOS: bos.token_id if bos else None}
        fim = self.fim_tokens(texts)
        if fim is not None:
            found |= {
                Marker.FIM_PREFIX: fim.prefix,
                Marker.FIM_SUFFIX: fim.suffix,
                Marker.FIM_MIDDLE: fim.middle,
            }
        return found

    def chat_template(self) -> str:
        """The file's own template of conversations, in Jinja; "" where it has none."""
        own: bytes | None = lib.llama_model_chat_template(self._model, None)
        return own.decode("utf-8", errors="replace") if own else ""

    def chat_form(self, name: str = "") -> ChatForm:
        """How conversations are laid out: by a format that llama.cpp knows by name, else by the file's own template.

        Templates are recognised by llama.cpp and filled by its own code: nothing that a file says is run.
        """
        template = (name or self.chat_template()).encode()

        def fill(messages: Sequence[tuple[str, str]], opens_answer: bool) -> str | None:  # noqa: FBT001 - a flag
            return _filled(template, messages, opens_answer=opens_answer) if template else None

        return ChatForm(fill, self.tokenize_opening, self.markers()[Marker.BOS], self.tokenize_special)

    def _tokenize(self, text: str, *, special: bool = False, whole: bool = False) -> tuple[int, ...]:
        # A client can send lone surrogates; they become U+FFFD, as they would in a file.
        data = text.encode("utf-8", errors="replace")
        capacity = len(data) + 8
        tokens = (lib.llama_token * capacity)()
        count = lib.llama_tokenize(self.vocab, data, len(data), tokens, capacity, whole, special)
        if count < 0:
            raise DecodeError(f"the vocabulary could not tokenise a text of {len(data)} bytes")
        return tuple(tokens[:count])

    def pieces(self) -> list[bytes]:
        """The bytes of each token by its id; empty for those that are never text, or end it."""
        # Written for speed: a vocabulary has 150,000 of them.
        vocab, to_piece, ends = self.vocab, lib.llama_token_to_piece, lib.llama_vocab_is_eog
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        lengths = (to_piece(vocab, token, buffer, _PIECE_BYTES, 0, False) for token in range(self.n_vocab))
        pieces = [buffer.raw[:length] if length >= 0 else self._piece(token) for token, length in enumerate(lengths)]
        return [piece and (b"" if ends(vocab, token) else piece) for token, piece in enumerate(pieces)]

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; empty for special tokens."""
        found = self._pieces.get(token)
        if found is None:
            found = self._pieces[token] = self._piece(token)
        return found

    def spelling(self, token: int) -> bytes:
        """The bytes that a token is written with, special tokens as well."""
        return self.piece(token) or self._piece(token, special=True)

    def _piece(self, token: int, *, special: bool = False) -> bytes:
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        length = lib.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, special)
        if length < 0:
            buffer = ctypes.create_string_buffer(-length)
            length = lib.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, special)
        return buffer.raw[:length]

    def ends_text(self, token: int) -> bool:
        """Whether a token ends the text: end of generation, or any control token (none may reach the user)."""
        found = self._endings.get(token)
        if found is None:
            found = bool(lib.llama_vocab_is_eog(self.vocab, token) or lib.llama_vocab_is_control(self.vocab, token))
            self._endings[token] = found
        return found

    def grammar(self, text: str) -> GrammarSampler:
        """Where a text stands in a grammar, GBNF; to be closed before the model is.

        Raises:
            RequestError: it is no grammar.
        """
        return GrammarSampler(self.vocab, lambda token: bool(self.piece(token)), text)

    def close(self) -> None:
        """Free the weights. Contexts of it are closed before."""
        if self._model:
            self._unmap()
            lib.llama_model_free(self._model)
            self._model = None

    def _unmap(self) -> None:
        if self._mapped:
            self._mapped.close()
