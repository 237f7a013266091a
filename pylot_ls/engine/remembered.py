"""Small JSON files of ours in which something is remembered from one process to the next.

A file that is not there, or cannot be read, remembers nothing; one that cannot be written is no failure.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from pylot_ls.private_file import write_private

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

_MOST_BYTES = 2**20


def recall(file: Path) -> dict[str, Any]:
    """What a file holds; nothing where it is none of ours."""
    try:
        with file.open("rb") as opened:
            found = json.loads(opened.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(file: Path, values: dict[str, Any], most: int) -> None:
    """Replace the file as a whole, so that another process never reads half of it; the last ``most`` are kept."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, json.dumps(dict(list(values.items())[-most:])))
    except OSError as error:
        _log.info("%s is not written: %s", file.name, error.strerror)
