"""Which documents leave no trace on disk, and which none in what is suggested elsewhere."""

from __future__ import annotations

import asyncio
import enum
import fnmatch
import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pylot_ls.features.ignore_files import NAMES, is_ignored_on_disk

if TYPE_CHECKING:
    from collections.abc import Coroutine

_log = logging.getLogger(__name__)

# Names under which secrets are kept; evaluated prompts hold a document's content.
_SECRET_NAMES = (
    ".env*",
    "*.env",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*credentials*",
    "*secret*",
)

# The excludes of a repository and of the user, beside the names that stand in any folder.
_RULE_FILES = frozenset({*NAMES, "exclude", "ignore"})


class Kind(enum.Enum):
    """What a document is, as far as traces of it go."""

    # A file of this machine; only of these anything may be kept on disk.
    FILE = enum.auto()
    # No file, or not yet in a folder that is there: a text that was never saved, a notebook's cell.
    OTHER = enum.auto()
    # It has a secret's name, or ignore files leave it out, or that cannot be found out.
    SECRET = enum.auto()


class Privacy:
    """Knows of each open document whether it may leave traces: on disk, and in what is suggested in others.

    Kept are files alone, none with a secret's name, and none that ignore files leave out; of these two nothing is
    suggested elsewhere either. Until that is known of a document, and where it is in doubt, the answer is no.
    """

    def __init__(self) -> None:
        self._answers: dict[str, Kind] = {}
        self._questions: dict[str, object] = {}

    def may_be_kept(self, uri: str) -> bool:
        """Whether what is evaluated of a document may be kept on disk, as far as it is known; takes no time."""
        return self._answers.get(uri) is Kind.FILE

    def may_be_drawn_on(self, uri: str) -> bool:
        """Whether what stands in a document may be suggested in others, as far as it is known; takes no time."""
        return self._answers.get(uri, Kind.SECRET) is not Kind.SECRET

    def learn(self, uri: str) -> Coroutine[Any, Any, None]:
        """A document was opened: what to await to find out, on a thread, since ignore files are read.

        The question is asked at once, so that a document closed before that begins is forgotten. Awaiting never raises
        for what is on the disk.
        """
        question = self._questions[uri] = object()
        self._answers.pop(uri, None)
        return self._answer(uri, question)

    async def _answer(self, uri: str, question: object) -> None:
        answer = await asyncio.to_thread(_find_out, uri)
        if self._questions.get(uri) is question:  # it was not closed meanwhile, nor asked about again
            self._answers[uri] = answer

    async def saved(self, uri: str) -> None:
        """A document was saved: where it holds ignore rules, find out again about all."""
        if uri.rpartition("/")[2] in _RULE_FILES:
            await asyncio.gather(*(self.learn(each) for each in tuple(self._questions)))

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._questions.pop(uri, None)
        self._answers.pop(uri, None)


def _find_out(uri: str) -> Kind:
    try:
        parts = urlsplit(uri)
        if _has_secret_name(unquote(parts.path).rpartition("/")[2]):
            return Kind.SECRET
        if parts.scheme != "file":
            return Kind.OTHER
        path = file_path(uri)
        if path is not None and not os.path.lexists(path.parent):
            return Kind.OTHER
        # The document's name may be a link to the file that has another one.
        places = () if path is None else {path, _resolved(path)}
        is_ordinary = places and not any(_has_secret_name(each.name) or is_ignored_on_disk(each) for each in places)
    except (OSError, ValueError) as error:
        # Whatever cannot be read or understood might have said no.
        _log.info("nothing of a document is kept on disk: %s", error)
        is_ordinary = False
    return Kind.FILE if is_ordinary else Kind.SECRET


def file_path(uri: str, *, windows: bool = os.name == "nt") -> Path | None:
    """Return the path of a ``file:`` URI; None for all else, and for what names no file of this machine.

    Raises:
        ValueError: the URI is malformed.
    """
    parts = urlsplit(uri)
    text = unquote(parts.path, errors="surrogateescape")
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or parts.query or parts.fragment:
        return None
    if windows:
        if not re.match(r"/[A-Za-z]:/[^:]*$", text):  # a stream of a file has another colon
            return None
        text = text[1:]
    names = text.split("/")
    if (not windows and names[0]) or text.startswith("//") or not names[-1] or ".." in names or "\0" in text:
        return None
    return Path(text)


def _resolved(path: Path) -> Path:
    """The path without links; what is not there yet may be the last name alone.

    Raises:
        OSError: links lead in a circle or nowhere, or a folder is not there.
        ValueError: no file can have that name.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return Path(os.path.realpath(path.parent, strict=True)) / path.name
    # Not Path.resolve: of links in a circle it raises another error.
    return Path(os.path.realpath(path, strict=True))


def _has_secret_name(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in _SECRET_NAMES)
