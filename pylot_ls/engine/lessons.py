"""Texts on their way into the n-gram cache: they are tokenised a few lines at a time, while nobody waits."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.engine.ngrams import Ngrams, TokenText
    from pylot_ls.engine.rendering import Tokens
    from pylot_ls.engine.types import KnownText

# Vocabularies have tokens of several line feeds, so blank lines stay with the line above them. A longer line comes in
# pieces, so that no step takes long.
_BLOCK = re.compile(r"[^\n]{0,1000}\n+|[^\n]{1,1000}")
_BLOCKS_AT_A_TIME = 200
# Some 25,000 tokens, and some 30 ms: less than the prompt of a place that was just opened takes.
_MOST_AT_ONCE = 100_000


class Lessons:
    """The texts that are still to be learnt, of each only the newest.

    Args:
        wake: called when there is something to do.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], KnownText] = {}
        self._forgotten: list[tuple[str, str]] = []
        self._restricted: set[tuple[str, str]] = set()
        self._begun: dict[tuple[str, str], _Lesson] = {}
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
                self._waiting[key] = text
            (self._restricted.add if text.own_only else self._restricted.discard)(key)
        self._wake()

    # What follows runs on the worker's thread.

    def begin(self, tokenize: Callable[[str], Tokens], ngrams: Ngrams | None) -> None:
        """From now on it is known how to tokenise, and where to put it; None where nothing is learnt."""
        self._tokenize, self._ngrams = tokenize, ngrams

    @property
    def is_ready(self) -> bool:
        """Whether there is something to learn."""
        return self._ngrams is not None and (bool(self._begun) or bool(self._waiting))

    def forget(self) -> None:
        """Forget what is to be forgotten, and restrict what is to be: at once, so that nothing more is said from it."""
        while self._restricted:
            restricted = self._restricted.pop()
            if self._ngrams is not None:
                self._ngrams.restrict(*restricted)
        while self._forgotten:
            key = self._forgotten.pop()
            self._known.pop(key, None)
            self._begun.pop(key, None)
            if self._ngrams is not None:
                self._ngrams.drop(*key)

    def step(self) -> None:
        """Learn a little, if there is something: two milliseconds or so."""
        if self.is_ready:
            # Given up where it is forgotten just now.
            key = next(iter(self._begun or list(self._waiting)), None)
            self._go_on(key, to_the_end=False)

    def finish(self, session: str, text_id: str) -> None:
        """Learn all of a text, now that a request in it has come, where that is a matter of milliseconds.

        What is said is then the same, whether there was time between the two or not.
        """
        key = session, text_id
        waiting = self._waiting.get(key)
        n_waiting = 0 if waiting is None else len(waiting.text or "")
        if self.is_ready and n_waiting <= _MOST_AT_ONCE and (n_waiting or key in self._begun):
            self._go_on(key, to_the_end=True)

    def _go_on(self, key: tuple[str, str] | None, *, to_the_end: bool) -> None:
        lesson = self._lesson(key) if key is not None else None
        if key is None or lesson is None or self._ngrams is None:
            return
        while not lesson.step(self._tokenize):
            if not to_the_end:
                return
        del self._begun[key]
        self._ngrams.put(*key, lesson.learnt(), own_only=lesson.own_only)
        self._known[key] = lesson.tokens

    def _lesson(self, key: tuple[str, str]) -> _Lesson | None:
        """The lesson of a text, begun anew where there is a newer text; None where there is none."""
        with self._lock:
            text = self._waiting.pop(key, None)
        if text is not None:
            self._begun[key] = _Lesson(text, self._known.get(key, {}))
        return self._begun.get(key)


class _Lesson:
    """One text, block by block."""

    def __init__(self, text: KnownText, known: dict[str, Tokens]) -> None:
        self.tokens: dict[str, Tokens] = {}
        self.own_only = text.own_only
        self._known = known
        self._blocks = _BLOCK.findall(text.text or "")
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
        # Imported here: it takes numpy, which is loaded with the model, and not while a server starts.
        from pylot_ls.engine.ngrams import TokenText  # noqa: PLC0415

        lines, line = [], 0
        for block in self._blocks:
            lines.append(line)
            line += block.count("\n")
        return TokenText([self.tokens[block] for block in self._blocks], lines)
