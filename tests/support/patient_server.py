"""The server, with all the time in the world for what is on disk: a busy machine would evaluate it sooner."""

from __future__ import annotations

from pylot_ls.__main__ import main
from pylot_ls.engine import restoring

# Only a hang takes so long.
restoring._WAIT_S = 60

if __name__ == "__main__":
    main()
