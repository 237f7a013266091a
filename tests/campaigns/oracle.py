"""What tests elsewhere already know, by the file that knows it."""

from __future__ import annotations

import functools
import runpy
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent


@functools.cache
def names_of(file: str) -> dict[str, Any]:
    """The names of a module below ``tests``."""
    return runpy.run_path(str(TESTS / file))
