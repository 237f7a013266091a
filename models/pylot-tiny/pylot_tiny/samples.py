"""Training samples, laid out by the code that lays out the server's prompts.

Most are what the server asks: an anchor some lines above the cursor, the text typed since at the beginning of the
middle, the file's head first where the window has moved on. Some are the plain form, cut at the cursor, that other
programs ask with; some are plain text; some have a path or another file in front.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pylot_ls.engine.prompt_types import FimOrder, Marker, TextSegment
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.types import FimTokens, ModelInfo
from pylot_ls.prompts.anchor import Anchor
from pylot_ls.prompts.layout import FimOptions, Layout
from pylot_ls.text.rope import Text
from pylot_tiny.holes import choose_hole
from pylot_tiny.special import END, FILE_SEPARATOR, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_tiny.reading import Corpus, Entry

    Tokens = tuple[int, ...]

_PLAIN_TEXT_SHARE = 0.25
_SPM_SHARE = 0.3
_AT_CURSOR_SHARE = 0.2
_CROSS_FILE_SHARE = 0.12
_PATH_SHARE = 0.08
# The tokens that stand in front, of those that a sample may have, and those that paths may take of them.
_CROSS_FILE_TOKENS = 0.4
_PATH_TOKENS = 40
# How many lines above the cursor's an anchor stands: three is where the server makes one, and typing moves on.
_LINES_ABOVE = (0, 1, 2, 3, 3, 3, 3, 4, 5, 7, 10, 16)
# Shares of the text before the cursor; the server's is 0.7.
_PREFIX_SHARES = (0.6, 0.7, 0.7, 0.7, 0.8, 0.85)
# The least tokens of context that a sample has; short ones are most of what fits into a batch's rows.
_SMALLEST_CONTEXT = 192
_DECODED = 64
# Windows are cut by characters first; of a longer text than this no sample shows more.
_SHOWN_CHARACTERS = 40_000


class Samples:
    """An endless supply of samples.

    Args:
        corpus: where the texts are from.
        tokenize: ordinary text to tokens, special tokens spelt out in it included.
        seed: makes the same samples of the same corpus.
    """

    def __init__(self, corpus: Corpus, tokenize: Callable[[str], Tokens], seed: str) -> None:
        self._corpus = corpus
        self._tokenize = tokenize
        self._chooser = random.Random(seed)  # noqa: S311 - repeatable, not secret
        markers = {
            Marker.BOS: None,
            Marker.FIM_PREFIX: FIM_PREFIX,
            Marker.FIM_SUFFIX: FIM_SUFFIX,
            Marker.FIM_MIDDLE: FIM_MIDDLE,
        }
        self._renderer = PromptRenderer(tokenize, markers)

    def take(self, n_tokens: int) -> Tokens:
        """A sample of at most so many tokens; it ends with the end token where the text ends in it."""
        entry = self._corpus.draw(self._chooser)
        text = self._corpus.text(entry)
        if self._chooser.random() >= _PLAIN_TEXT_SHARE:
            in_front = self._front(entry, n_tokens)
            sample = self._with_hole(text, n_tokens - len(in_front))
            if sample is not None:
                return (*in_front, *sample)
        return self._plain(text, n_tokens)

    def row(self, n_tokens: int) -> list[int]:
        """Samples one after the other, exactly so many tokens; the last one is plain text that is cut off."""
        row: list[int] = []
        while n_tokens - len(row) > _SMALLEST_CONTEXT:
            row += self.take(self._chooser.randint(_SMALLEST_CONTEXT, n_tokens - len(row)))
        while len(row) < n_tokens:
            row += self._plain(self._corpus.text(self._corpus.draw(self._chooser)), n_tokens - len(row))
        return row

    def _plain(self, text: str, n_tokens: int) -> Tokens:
        """A piece of a text, from the beginning of a line."""
        start = text.rfind("\n", 0, self._chooser.randrange(len(text))) + 1
        tokens = self._tokenize(text[start : start + 8 * n_tokens])
        return tokens[:n_tokens] if len(tokens) >= n_tokens else (*tokens, END)

    def _with_hole(self, text: str, n_tokens: int) -> Tokens | None:
        """A fill-in-the-middle sample; None where the text has no place for a hole, or the middle is too long."""
        text = self._shown(text)
        hole = choose_hole(text, self._chooser)
        if hole is None:
            return None
        cursor, end = hole
        seen = Text.from_str(text[:cursor] + text[end:])
        layout = self._layout(n_tokens)
        anchor = Anchor.at(seen, self._anchor_offset(seen, cursor, layout), cursor, layout)
        *before, typed = anchor.prompt_for(seen, cursor)
        if not isinstance(typed, TextSegment):
            raise TypeError("a prompt ends with what was typed")
        middle = self._tokenize(typed.text + text[cursor:end])
        if len(middle) > n_tokens // 2:
            return None
        sample = (*self._renderer.render(tuple(before)), *middle, END)
        return sample if len(sample) <= n_tokens else None

    def _shown(self, text: str) -> str:
        """A part of a long text, whole lines: making a rope of all of it takes its time."""
        if len(text) <= _SHOWN_CHARACTERS:
            return text
        start = self._chooser.choice((0, self._chooser.randrange(len(text) - _SHOWN_CHARACTERS)))
        start = text.rfind("\n", 0, start) + 1
        return text[start : start + _SHOWN_CHARACTERS]

    def _layout(self, n_tokens: int) -> Layout:
        """The server's layout for a context of so many tokens, with more or less of it behind the hole."""
        order = FimOrder.SPM if self._chooser.random() < _SPM_SHARE else FimOrder.PSM
        model = ModelInfo(
            name="",
            path="",
            architecture="",
            n_params=0,
            size_bytes=0,
            n_vocab=0,
            n_ctx_train=n_tokens,
            n_ctx=n_tokens + _DECODED,
            fim=FimTokens(FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE),
        )
        share = self._chooser.choice(_PREFIX_SHARES)
        return Layout.of(model, FimOptions(order=order, prefix_share=share), _DECODED)

    def _anchor_offset(self, seen: Text, cursor: int, layout: Layout) -> int:
        if self._chooser.random() < _AT_CURSOR_SHARE:
            return cursor
        line = seen.line_of(cursor)
        lines_above = self._chooser.choice(_LINES_ABOVE)
        starts = (seen.line_start(number) for number in range(max(0, line - lines_above), line + 1))
        return next((each for each in starts if cursor - each <= layout.long_characters // 2), cursor)

    def _front(self, entry: Entry, n_tokens: int) -> Tokens:
        """What Qwen2.5-Coder and llama-server have in front: repository, other files, the file's own path.

        A piece of another file of the same distribution, or none; the repository in half of them.
        """
        draw = self._chooser.random()
        if n_tokens < 2 * _SMALLEST_CONTEXT or draw >= _CROSS_FILE_SHARE + _PATH_SHARE:
            return ()
        repository = (REPOSITORY, *self._tokenize(f"{entry.name}\n")) if self._chooser.random() < 0.5 else ()
        other = self._corpus.neighbour(entry, self._chooser) if draw < _CROSS_FILE_SHARE else None
        own_path = (FILE_SEPARATOR, *self._tokenize(f"{entry.path}\n"))
        if other is None:
            return (*repository, *own_path)[:_PATH_TOKENS]
        limit = int(n_tokens * _CROSS_FILE_TOKENS) - _PATH_TOKENS
        text = self._corpus.text(other)
        start = text.rfind("\n", 0, self._chooser.choice((0, self._chooser.randrange(len(text))))) + 1
        tokens = self._tokenize(f"{other.path}\n{text[start : start + 8 * limit]}")[:limit]
        return (*repository, FILE_SEPARATOR, *tokens, *own_path[: _PATH_TOKENS - len(repository)])
