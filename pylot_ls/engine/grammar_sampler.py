"""Choosing by a grammar: what comes is the most probable of the tokens that it allows. llama.cpp's own grammars.

Only the backend's worker imports this module: it loads the native libraries.

llama.cpp ends the process where it is told of a token that its grammar does not allow, so it hears only of tokens that
it was asked about before.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import llama_cpp.llama_cpp as lib
import numpy as np

from pylot_ls.engine.gbnf import check_grammar
from pylot_ls.engine.logits import log_total
from pylot_ls.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from pylot_ls.engine.logits import Logits

_ROOT = b"root"
# llama_token_data: the token, its logit, and a probability that is not used here.
_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
# So many of the most probable tokens are asked about before all of a vocabulary are: the model's own choice is right
# most often, and to decode 150,000 tokens against a grammar takes longer than to evaluate one.
_FIRST_ASKED = (1, 64)


class GrammarSampler:
    """Where a text stands in a grammar. One thread only; to be closed before the model is.

    Args:
        vocab: llama.cpp's vocabulary of the model.
        is_text: whether a token has a text; those that have none, and do not end it, are never chosen.
        grammar: in GBNF; what it generates is what its rule ``root`` does.

    Raises:
        RequestError: it is none.
    """

    def __init__(self, vocab: Any, is_text: Callable[[int], bool], grammar: str) -> None:
        self._vocab = vocab
        self._is_text = is_text
        check_grammar(grammar)
        self._sampler = lib.llama_sampler_init_grammar(vocab, grammar.encode(), _ROOT)
        if not self._sampler:
            raise RequestError(
                "llama.cpp cannot read the grammar; it has to be GBNF with a rule root, no rule may be undefined, and "
                "none may begin with itself"
            )

    def choose(self, logits: Logits) -> tuple[int, float]:
        """The most probable token that is allowed, and the natural logarithm of its probability among all tokens.

        It is taken note of, unless it ends the text, which is allowed where the grammar is complete.

        Args:
            logits: of all tokens; shape (n_vocab,).

        Raises:
            RequestError: no token is allowed.
        """
        for n_asked in (*_FIRST_ASKED, len(logits)):
            if n_asked < len(logits):
                ids = np.argpartition(logits, len(logits) - n_asked)[-n_asked:]
            else:
                ids = np.arange(len(logits))
            token = self._best(ids.astype(np.int32), logits)
            if token is not None:
                self.accept(token)
                return token, float(logits[token]) - log_total(logits)
        raise RequestError("the grammar goes on in a way that no token of the model does; allow other texts")

    def allows(self, token: int) -> bool:
        """Whether a token may come next; one that ends the text may where the grammar is complete."""
        return self._best(np.array([token], np.int32), np.broadcast_to(np.float32(0), token + 1)) is not None

    def bind(self, logits: Logits, without_text: Sequence[int]) -> Logits:
        """The logits with minus infinity for each token that may not come next.

        Args:
            logits: of all tokens; shape (n_vocab,).
            without_text: ids of the tokens that are never text.
        """
        bound: Logits = self._asked(np.arange(len(logits), dtype=np.int32), logits)["logit"].copy()
        bound[[token for token in without_text if not self._ends(token)]] = -np.inf
        return bound

    def accept(self, token: int) -> None:
        """Take note of a token that is allowed, unless it ends the text."""
        if not self._ends(token):
            lib.llama_sampler_accept(self._sampler, token)

    def _best(self, ids: npt.NDArray[np.int32], logits: Logits) -> int | None:
        """The most probable of some tokens that is allowed; None where none is."""
        asked = self._asked(ids, logits)
        left = asked[np.isfinite(asked["logit"])]
        while len(left):
            place = int(left["logit"].argmax())
            token = int(left["id"][place])
            # A grammar reads special tokens as the texts that they are spelt with, which they do not stand for.
            if self._is_text(token) or self._ends(token):
                return token
            left = np.delete(left, place)
        return None

    def _asked(self, ids: npt.NDArray[np.int32], logits: Logits) -> npt.NDArray[np.void]:
        """Some tokens after llama.cpp was asked about them: what is not allowed has no probability left."""
        asked = np.zeros(len(ids), _TOKEN_DATA)
        asked["id"], asked["logit"] = ids, logits[ids]
        data = asked.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
        array = lib.llama_token_data_array(data=data, size=len(ids), selected=-1, sorted=False)
        lib.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return asked

    def _ends(self, token: int) -> bool:
        return bool(lib.llama_vocab_is_eog(self._vocab, token))

    def close(self) -> None:
        """Free it."""
        if self._sampler:
            lib.llama_sampler_free(self._sampler)
            self._sampler = None
