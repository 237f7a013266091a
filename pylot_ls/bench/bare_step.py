"""The child process of ``bare.py``: ``python -m pylot_ls.bench.bare_step`` with the arguments of BareLoop as JSON.

It says ``{"n_ctx": tokens}`` once the model is loaded, then for each ``{"depth": tokens, "n_steps": steps}`` the list
of milliseconds.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylot_ls.bench.child import serve
from pylot_ls.engine.bare import BareLoop

if TYPE_CHECKING:
    from collections.abc import Iterator


def _answers(options: dict[str, Any], questions: Iterator[dict[str, Any]]) -> Iterator[Any]:
    with closing(BareLoop(Path(options.pop("path")), **options)) as loop:
        yield {"n_ctx": loop.n_ctx}
        for question in questions:
            yield loop.steps_ms(**question)


if __name__ == "__main__":
    sys.exit(serve(_answers))
