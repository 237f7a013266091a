"""What speculation gains: the same lines are suggested by a server with it and by one without, in turn."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pylot_ls import machine
from pylot_ls.bench.figures import ratio
from pylot_ls.errors import ClientError
from pylot_ls.lsp.client import EditorClient

if TYPE_CHECKING:
    from pylot_ls.bench.run import Run
    from pylot_ls.lsp.client import Answer
    from pylot_ls.text.document import Document

# Lines that are typed one after another, and at least so many before them.
_LINES_IN_A_BLOCK = 12
_LINES_BEFORE = 24
# A person has typed this share of a line when they look.
_SHARE_TYPED = 0.4


@dataclass(frozen=True, slots=True)
class SpeculationRow:
    """Suggestions of one kind of text, with speculation and without.

    Attributes:
        suggestions: how many of them had the same prompt and the same text on both sides; no others are compared.
        different: how many had the same prompt and another text.
        n_tokens: tokens decoded after the first one of each, by the side without.
        with_ms, without_ms: what that took.
    """

    suggestions: int = 0
    different: int = 0
    n_tokens: int = 0
    with_ms: float = 0.0
    without_ms: float = 0.0

    @property
    def speed(self) -> float | None:
        """How many times as fast decoding is with speculation."""
        return ratio(self.without_ms, self.with_ms)

    def plus(self, speculated: Answer, plain: Answer) -> SpeculationRow:
        """With the answers of both sides at one more place."""
        n_steps = plain.tokens_decoded - 1
        # Nothing after the first token, or another prompt: either side may stand on a new anchor a moment earlier.
        if n_steps < 1 or _n_prompt(speculated) != _n_prompt(plain):
            return self
        if speculated.text != plain.text:
            return replace(self, different=self.different + 1)
        return replace(
            self,
            suggestions=self.suggestions + 1,
            n_tokens=self.n_tokens + n_steps,
            with_ms=round(self.with_ms + speculated.total_ms - speculated.first_token_ms, 3),
            without_ms=round(self.without_ms + plain.total_ms - plain.first_token_ms, 3),
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "speed": self.speed}


async def bench_speculation(run: Run, document: Document, n_tokens: int, *, repetitive: bool) -> SpeculationRow:
    """Type blocks of lines, and have the rest of each line suggested.

    Args:
        run: how the model is run.
        document: where the lines are from.
        n_tokens: how many to decode at least, if the document is long enough.
        repetitive: whether each block is a copy of the lines that stand before it, as where somebody changes one
            line after another in the same way; else it is what follows in the document.

    Raises:
        ClientError: a server ended, failed or refused, or the document is too short.
    """
    lines = str(document.text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) < _LINES_BEFORE + _LINES_IN_A_BLOCK:
        raise ClientError("the file is too short to type blocks of lines in; choose a longer one")
    async with contextlib.AsyncExitStack() as servers:
        sides = [
            await servers.enter_async_context(
                EditorClient(run.command, {**run.environment(), "PYLOT_LS_MODEL_SPECULATION": speculates})
            )
            for speculates in ("true", "false")
        ]
        for side in sides:
            await side.loaded()
        pair = _Pair(sides[0], sides[1], document)
        for start in range(_LINES_BEFORE, len(lines) - _LINES_IN_A_BLOCK, _LINES_IN_A_BLOCK):
            source = start - _LINES_IN_A_BLOCK if repetitive else start
            await pair.type(lines[:start], lines[source : source + _LINES_IN_A_BLOCK], lines[start:])
            if pair.row.n_tokens >= n_tokens:
                break
    return pair.row


def _n_prompt(answer: Answer) -> int:
    return answer.tokens_evaluated + answer.tokens_reused


class _Pair:
    """Two servers that are asked the same."""

    def __init__(self, speculating: EditorClient, plain: EditorClient, document: Document) -> None:
        self._sides = (speculating, plain)
        self._document = document
        self.row = SpeculationRow()

    async def type(self, before: list[str], block: list[str], after: list[str]) -> None:
        """Type a block between the lines before and those after, and ask in each of its lines."""
        for side in self._sides:
            side.open(self._document.uri, self._document.language_id, "\n".join([*before, "", *after]))
        for number, line in enumerate(block, len(before)):
            await self._type_line(number, line)
        for side in self._sides:
            side.close(self._document.uri)

    async def _type_line(self, number: int, line: str) -> None:
        n_indent = len(line) - len(line.lstrip())
        column = n_indent + int((len(line) - n_indent) * _SHARE_TYPED)
        start, asked = (number, 0), (number, column)
        answers = []
        for side, other in (self._sides, self._sides[::-1]):
            # What the other one prepares meanwhile would slow this one down.
            with machine.suspended(other.pid):
                answers.append(await side.type(start, start, line[:column], asked))
        spec, plain = answers
        for side in self._sides:
            side.edit(asked, asked, line[column:] + "\n", self._document.uri)
        self.row = self.row.plus(spec, plain)
