"""Files for the user alone, written as a whole: who reads one finds the old one or the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Put a file with a text (UTF-8) in the place of the one that is there, if any; its folder has to be there.

    A link is replaced, not followed.

    Raises:
        OSError: it cannot be written; nothing is left of it then, and the old one stays.
    """
    # mkstemp makes it with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
