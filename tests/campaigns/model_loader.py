"""A process that loads models and completes with them: paths in on stdin, for each a line of JSON out.

Started as ``python model_loader.py [--trusting]``; with the option no file is tried out first.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.loading import LlamaConfig
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Failed, Finished, GenerateRequest, LoadFailed, Ready

_MOST_BYTES = 8 * 2**30


class Loader:
    """A backend on one file, and what it says."""

    def __init__(self, path: Path, *, trusting: bool) -> None:
        self._events: list[Any] = []
        self._changed = threading.Condition()
        config = LlamaConfig(path, n_ctx=128, n_threads=1, speculation=False, is_vouched_for=trusting)
        self.backend = LlamaBackend(config)
        self.backend.start(self._hear)

    def _hear(self, event: Any) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def wait(self, *kinds: type) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: any(isinstance(each, kinds) for each in self._events))
            return next(each for each in self._events if isinstance(each, kinds))


def use(path: Path, *, trusting: bool) -> dict[str, object]:
    loader = Loader(path, trusting=trusting)
    state = loader.wait(Ready, LoadFailed)
    answer: dict[str, object] = {"loaded": isinstance(state, Ready), "message": getattr(state, "message", "")}
    if answer["loaded"]:
        loader.backend.submit(GenerateRequest("1", (TextSegment("def add(a, b):\n    return"),), 4))
        end = loader.wait(Finished, Failed)
        answer["message"] = getattr(end, "message", "")
    loader.backend.close()
    return answer


def peak_mib() -> float:
    """The most memory that this process has had."""
    import resource  # noqa: PLC0415 - Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    trusting = "--trusting" in sys.argv
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415 - as above; what takes more must not take the machine's

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    with os.fdopen(os.dup(1), "w", buffering=1) as out:
        os.dup2(2, 1)  # what native code prints
        for line in sys.stdin:
            out.write(json.dumps({**use(Path(line.rstrip("\n")), trusting=trusting), "peak MiB": peak_mib()}) + "\n")


if __name__ == "__main__":
    main()
