"""A suggestion followed from when it is offered: what edits and the editor say of it make its verdict. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.features.feedback import Move, Verdict, judge, unit_of
from pylot_ls.features.kept import Span

if TYPE_CHECKING:
    from pylot_ls.text.difference import Difference
    from pylot_ls.text.rope import Text

_WORD = re.compile(r"\w+")
_BY_SIZE = (Verdict.ACCEPTED_WORD, Verdict.ACCEPTED_LINE, Verdict.ACCEPTED)


class Followed:
    """One suggestion.

    Args:
        text: of the suggestion.
        start: the offset at which it was offered, in characters.

    Attributes:
        n_done: how many of its characters stand in the document, up to the cursor.
        is_over: whether nothing more can become of it.
    """

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.n_done = 0
        self.is_over = False
        self._start = start
        self._unit: Verdict | None = None
        self._is_rejected = False
        self._n_typed = 0
        self._n_told = 0
        self._spans: list[Span] = []
        # What the last edit seemed to do: an editor may tell afterwards that it was an acceptance.
        self._typed_last: tuple[int, Span] | None = None
        self._put_last: tuple[int, int] | None = None

    @property
    def place(self) -> int:
        """The offset at which the rest of it would go."""
        return self._start + self.n_done

    @property
    def rest(self) -> str:
        """What of it does not stand in the document."""
        return self.text[self.n_done :]

    @property
    def is_accepted(self) -> bool:
        """Whether any of it was accepted."""
        return self._unit is not None

    @property
    def verdict(self) -> Verdict:
        """What became of it if nothing more does."""
        if self._unit is not None:
            return self._unit
        if self._is_rejected and self.rest:
            return Verdict.REJECTED
        return Verdict.TYPED if self.n_done else Verdict.IGNORED

    @property
    def n_typed(self) -> int:
        """Characters of it that the user typed."""
        return self._n_typed

    @property
    def n_accepted(self) -> int:
        """Characters of it that were accepted."""
        n_seen = sum(len(span.text) for span in self._spans)
        return min(max(n_seen, self._n_told - self._n_typed, 0), len(self.text))

    def n_kept(self, text: Text) -> int:
        """Characters that were accepted and still stand in their places."""
        return sum(span.n_kept(text) for span in self._spans)

    def grow(self, rest: str) -> None:
        """What is left of it is longer than was known."""
        self.text = self.text[: self.n_done] + rest

    def edited(self, changed: Difference, after: Text) -> None:
        """Its document was edited.

        Args:
            changed: between the text before and after.
            after: the text after.
        """
        self._spans = [span.moved(changed) for span in self._spans]
        if self.is_over:
            return
        place = self.place
        step = judge(changed, after, self.text, place, self.n_done)
        self._typed_last = None
        if step.move is Move.ALONG:
            self._go_on(step.n, step.accepted, place)
        elif step.move is Move.BACK:
            self.n_done -= step.n
            self._n_typed = min(self._n_typed, self.n_done)
        elif step.move is Move.OTHER:
            start = changed.edit_near(place).start
            self._put_last = start, start + step.n
            if self._n_told > self.n_done:
                self._spans.append(Span(self.text[self.n_done : self._n_told], *self._put_last))
            else:
                self._is_rejected = True
        self.is_over = step.move in {Move.OTHER, Move.ELSEWHERE} or not self.rest

    def told_accepted(self, n: int) -> None:
        """The editor says that its first ``n`` characters are accepted, before it sends them or after."""
        n = min(n, len(self.text))
        if n <= self._n_told or n <= 0:
            return
        is_known = bool(self._spans) and n <= self.n_done
        self._n_told = n
        if self._typed_last is not None and n == self.n_done:
            n_typed, span = self._typed_last
            self._n_typed -= n_typed
            self._accept(span, unit_of(self.text, n))
        elif self._put_last is not None and n > self.n_done:
            # The editor put it there in a form of its own: indented otherwise, say.
            self._accept(Span(self.text[self.n_done : n], *self._put_last), unit_of(self.text, n))
            self._is_rejected = False
        elif not is_known:
            self._unit = _larger(self._unit, unit_of(self.text, n))

    def _go_on(self, n: int, accepted: Verdict | None, place: int) -> None:
        span = Span(self.rest[:n], place, place + n)
        self.n_done += n
        if accepted is None and self._n_told >= self.n_done:
            accepted = self._unit
        if accepted is not None:
            self._accept(span, accepted)
        else:
            self._n_typed += n
            self._typed_last = n, span

    def _accept(self, span: Span, unit: Verdict) -> None:
        if span not in self._spans:  # as one that was deleted and is accepted again
            self._spans.append(span)
        is_last_word = unit is Verdict.ACCEPTED and len(_WORD.findall(span.text)) <= 1
        # The last of several words is all that was left, too.
        self._unit = self._unit if is_last_word and self._unit is not None else _larger(self._unit, unit)


def _larger(a: Verdict | None, b: Verdict) -> Verdict:
    return b if a is None or _BY_SIZE.index(b) > _BY_SIZE.index(a) else a
