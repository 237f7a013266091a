"""A suggestion that is being decoded: what there is of it, for who has waited long enough."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pylot_ls.features.completion import Generated, presented
from pylot_ls.features.doubt import certain
from pylot_ls.features.surroundings import Surroundings

if TYPE_CHECKING:
    from pylot_ls.features.completion import Completion
    from pylot_ls.features.live import Place
    from pylot_ls.text.document import Document

# Stands for what comes next, which may go on with a word.
_ANY_WORD = "x"


@dataclass(slots=True, eq=False)
class Underway:
    """What is decoded for a place.

    Attributes:
        place: it.
        document, offset: as it was asked for.
        task: gives the whole in the end.
    """

    place: Place
    document: Document
    offset: int
    task: asyncio.Task[Completion] = field(init=False)
    _around: Surroundings | None = None
    _generated: Generated = field(default_factory=Generated)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, generated: Generated) -> None:
        """So much is decoded."""
        self._generated = generated
        self.place.text = generated.text
        self._more.set()

    async def part(self) -> Completion:
        """What could be shown now: whole lines, or in the first line whole words; none where there are none."""
        self._more.clear()
        generated = self._generated
        lines, newline, _ = generated.text.rpartition("\n")
        text = lines if newline else certain(generated.text, _ANY_WORD)
        self._around = self._around or Surroundings.of(self.document, self.offset)
        part = Generated(text, generated.confidence, generated.usage)
        return await presented(part, self.document, self.offset, self._around)

    async def more(self) -> None:
        """Wait until more is decoded than ``part`` has seen, or the end."""
        heard = asyncio.ensure_future(self._more.wait())
        try:
            await asyncio.wait({heard, self.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.cancel()
