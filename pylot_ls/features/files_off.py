"""Documents in which the user wants no suggestions, by globs in the syntax of a .gitignore. Pure."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pylot_ls.features.ignore_rules import Layer, is_ignored, parse


def check_glob(glob: str) -> None:
    """Say what is wrong with a glob.

    Raises:
        ValueError: it is no single pattern, is broken or unclear, or takes too long to match.
    """
    if "\n" in glob or not parse(glob):
        raise ValueError("no pattern of a .gitignore")


@lru_cache(maxsize=256)
def is_off(uri: str, globs: tuple[str, ...]) -> bool:
    """Whether globs name a document, as a .gitignore at the root of its file system would; the last one counts.

    Of a document that is no file its name is matched. One whose path cannot be matched is off.
    """
    if not globs:
        return False
    root = PurePosixPath("/")
    try:
        path = unquote(urlsplit(uri).path, errors="surrogateescape")
        return is_ignored(root / path.lstrip("/"), [Layer(root, parse("\n".join(globs)))])
    except ValueError:
        return True
