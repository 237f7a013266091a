"""The child process of ``bare.py``: ``python -m pylot_ls.bench.bare_step`` with the arguments of BareLoop as JSON.

It says on its standard output, as lines of JSON, ``{"n_ctx": tokens}`` once the model is loaded, then for each
``{"depth": tokens, "n_steps": steps}`` on its standard input the list of milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pylot_ls.engine.bare import BareLoop
from pylot_ls.errors import PylotError


def main() -> int:
    """Serve until the input ends; the exit code."""
    # What native code prints must not stand between the answers.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as answers:
        os.dup2(2, 1)
        try:
            options = json.loads(sys.argv[1])
            loop = BareLoop(Path(options.pop("path")), **options)
            answers.write(json.dumps({"n_ctx": loop.n_ctx}) + "\n")
            for line in sys.stdin:
                answers.write(json.dumps(loop.steps_ms(**json.loads(line))) + "\n")
        except PylotError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        loop.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
