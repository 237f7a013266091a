"""Texts on their way into the n-gram cache: they are tokenised a few lines at a time, while nobody waits."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from pylot_ls.engine.ngrams import TokenText

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.ngrams import Ngrams
    from pylot_ls.engine.rendering import Tokens
    from pylot_ls.engine.types import KnownText

# Vocabularies have tokens of several line feeds, so blank lines stay with the line above them. A longer line comes in
# pieces, so that no step takes long.
_BLOCK = re.compile(r"[^\n]{0,1000}\n+|[^\n]{1,1000}")
_BLOCKS_AT_A_TIME = 200


class Lessons:
    """The texts that are still to be learnt, of each only the newest.

    Args:
        wake: called when there is something to do.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], str] = {}
        self._forgotten: list[tuple[str, str]] = []
        self._begun: _Lesson | None = None
        self._tokenize: Callable[[str], Tokens] = lambda _text: ()
        self._ngrams: Ngrams | None = None
        # The tokens of each text's blocks: most of them are the same when it is learnt again.
        self._known: dict[tuple[str, str], dict[str, Tokens]] = {}

    def give(self, text: KnownText) -> None:
        """Learn a text, or forget it. May be called from any thread."""
        key = text.session, text.text_id
        with self._lock:
            if text.text is None:
                self._waiting.pop(key, None)
                self._forgotten.append(key)
            else:
                self._waiting[key] = text.text
        self._wake()

    # What follows runs on the worker's thread.

    def begin(self, tokenize: Callable[[str], Tokens], ngrams: Ngrams | None) -> None:
        """From now on it is known how to tokenise, and where to put it; None where nothing is learnt."""
        self._tokenize, self._ngrams = tokenize, ngrams

    @property
    def is_ready(self) -> bool:
        """Whether there is something to learn."""
        return self._ngrams is not None and (self._begun is not None or bool(self._waiting))

    def forget(self) -> None:
        """Forget what is to be forgotten: at once, so that nothing more is said from it."""
        while self._forgotten:
            key = self._forgotten.pop()
            self._known.pop(key, None)
            if self._ngrams is not None:
                self._ngrams.drop(*key)
            if self._begun is not None and self._begun.key == key:
                self._begun = None

    def step(self) -> None:
        """Learn a little, if there is something: two milliseconds or so."""
        if self._ngrams is None:
            return
        if self._begun is None:
            self._begun = self._next()
        elif self._begun.step(self._tokenize):
            self._ngrams.put(*self._begun.key, self._begun.learnt())
            self._known[self._begun.key] = self._begun.tokens
            self._begun = None

    def _next(self) -> _Lesson | None:
        with self._lock:
            if not self._waiting:
                return None
            key = next(iter(self._waiting))
            text = self._waiting.pop(key)
        return _Lesson(key, text, self._known.get(key, {}))


class _Lesson:
    """One text, block by block."""

    def __init__(self, key: tuple[str, str], text: str, known: dict[str, Tokens]) -> None:
        self.key = key
        self.tokens: dict[str, Tokens] = {}
        self._known = known
        self._blocks = _BLOCK.findall(text)
        self._n_done = 0

    def step(self, tokenize: Callable[[str], Tokens]) -> bool:
        """Tokenise the next blocks; whether those were the last."""
        end = self._n_done + _BLOCKS_AT_A_TIME
        for block in self._blocks[self._n_done : end]:
            if block not in self.tokens:
                known = self._known.get(block)
                self.tokens[block] = tokenize(block) if known is None else known
        self._n_done = end
        return end >= len(self._blocks)

    def learnt(self) -> TokenText:
        """All of it."""
        lines, line = [], 0
        for block in self._blocks:
            lines.append(line)
            line += block.count("\n")
        return TokenText([self.tokens[block] for block in self._blocks], lines)
