"""The server, with all the time in the world for what is on disk: a busy machine would evaluate it sooner."""

from __future__ import annotations

import sys

from pylot_ls.__main__ import main
from pylot_ls.engine import restoring

# In place of ``python -m pylot_ls``.
PATIENT_PYLOT_LS = (sys.executable, __file__)
# Only a hang takes so long.
_HANG_S = 60

if __name__ == "__main__":
    restoring._WAIT_S = _HANG_S
    main()
