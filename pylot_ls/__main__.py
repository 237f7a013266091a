"""``python -m pylot_ls`` and the ``pylot-ls`` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line, or carry an editor's messages to the server that several share."""
    if "--shared" in sys.argv[1:]:
        # Nothing else may be imported before: a bridge is to take little memory.
        from pylot_ls.serving import bridge  # noqa: PLC0415

        code = bridge.run(sys.argv[1:])
        if code is not None:
            sys.exit(code)
    from pylot_ls.cli.app import app  # noqa: PLC0415

    # What is imported stays. The collector stops all threads while it looks at it, and at the end takes it apart.
    gc.freeze()
    app()


if __name__ == "__main__":
    main()
