"""The corpus as training reads it: texts in place, drawn at random."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from pathlib import Path

# A distribution is drawn with this power of its size, so that a few large ones do not make up most of it.
_POWER = 0.6


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a file's text stands.

    Attributes:
        name: of the distribution.
        path: within it.
        start, length: in bytes.
    """

    name: str
    path: str
    start: int
    length: int


class Corpus:
    """The texts of one split.

    Args:
        folder: what ``pylot_tiny.corpus`` wrote.
        split: ``train`` or ``held-out``.

    Raises:
        OSError: it cannot be read.
        ValueError: there is nothing in the split.
    """

    def __init__(self, folder: Path, split: str) -> None:
        with (folder / "texts.bin").open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        groups: dict[str, list[Entry]] = {}
        for row in (folder / "index.tsv").read_text("utf-8").splitlines():
            its_split, name, path, start, length = row.split("\t")
            if its_split == split:
                groups.setdefault(name, []).append(Entry(name, path, int(start), int(length)))
        if not groups:
            raise ValueError(f"{folder} has no files in the split {split}; run python -m pylot_tiny.corpus first")
        self.groups = list(groups.values())
        sizes = [sum(entry.length for entry in group) for group in self.groups]
        self._to_group = list(accumulate(size**_POWER for size in sizes))
        self._to_entry = [list(accumulate(entry.length for entry in group)) for group in self.groups]

    def text(self, entry: Entry) -> str:
        """A file's text."""
        return self._bytes[entry.start : entry.start + entry.length].decode()

    def draw(self, chooser: random.Random) -> Entry:
        """A file: a distribution first, then a file of it by its size."""
        group = _draw(self._to_group, chooser)
        return self.groups[group][_draw(self._to_entry[group], chooser)]

    def neighbour(self, entry: Entry, chooser: random.Random) -> Entry | None:
        """Another file of the same folder, or of the same distribution; None where there is none."""
        group = next(group for group in self.groups if group[0].name == entry.name)
        folder = entry.path.rpartition("/")[0]
        near = [each for each in group if each.path.rpartition("/")[0] == folder and each != entry]
        candidates = near or [each for each in group if each != entry]
        return chooser.choice(candidates) if candidates else None


def _draw(totals: list[float] | list[int], chooser: random.Random) -> int:
    return min(bisect_left(totals, chooser.random() * totals[-1]), len(totals) - 1)
