"""Texts for the user to read, as files that an editor opens: private ones, gone with the session."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path


class Readings:
    """A folder that nobody else can read; made when it is needed. Methods read and write: call them on a thread."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._numbers = itertools.count(1)

    def write(self, name: str, text: str) -> str:
        """Write a text; the URI of its file.

        Args:
            name: what it is about; letters, digits, dots and dashes of it are in the file's name.
            text: in Markdown.

        Raises:
            OSError: it cannot be written.
        """
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="pylot-ls-"))
        plain = "".join(character if character.isalnum() or character in "-." else "_" for character in name)
        path = self._folder / f"{plain[:60]}-{next(self._numbers)}.md"
        path.write_text(text, encoding="utf-8", errors="replace")
        return path.as_uri()

    def close(self) -> None:
        """Remove all of them."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
