"""The child process of ``memory.py``: ``python -m pylot_ls.bench.memory_step`` with fields of LlamaConfig as JSON.

It says what was forecast and what was measured (see ``Taken``), as JSON.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.child import serve
from pylot_ls.engine.loading import LlamaConfig
from pylot_ls.engine.measuring import measure

if TYPE_CHECKING:
    from collections.abc import Iterator


def _answers(options: dict[str, Any], _questions: Iterator[dict[str, Any]]) -> Iterator[Any]:
    yield asdict(measure(LlamaConfig(Path(options.pop("path")), **options)))


if __name__ == "__main__":
    sys.exit(serve(_answers))
