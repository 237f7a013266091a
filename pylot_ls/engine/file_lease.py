"""To hear of it before somebody writes to a file, as Linux allows: by a lease on it.

Who opens a leased file for writing, or cuts it short, waits until the lease is given back, at most as long as
``/proc/sys/fs/lease-break-time`` says (45 s by default). Other systems have nothing of the kind, nor have most network
file systems, and who does not own a file gets no lease on it. See ``fcntl_locking(2)``, "Leases".
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

_BREAK_TIME = Path("/proc/sys/fs/lease-break-time")
# Time for who holds a lease to notice, and to copy what he has mapped.
_LEAST_BREAK_S = 20


class FileLease:
    """A file that nobody changes before ``is_wanted_back`` says so. Made by ``take``.

    Attributes:
        status: of the file when the lease was taken.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.status = os.fstat(descriptor)

    @classmethod
    def take(cls, path: Path) -> FileLease | None:
        """A lease on a file; None where there can be none, also because somebody is writing to it."""
        if sys.platform != "linux" or not _gives_time():
            return None
        import fcntl  # noqa: PLC0415 - Windows has none

        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return None
        try:
            # The signal is a harmless one: that of a lease would end the process, unless its main thread handles it.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def is_wanted_back(self) -> bool:
        """Whether somebody waits who wants to change the file."""
        import fcntl  # noqa: PLC0415 - see above

        return fcntl.fcntl(self._descriptor, fcntl.F_GETLEASE) != fcntl.F_RDLCK

    def give_back(self) -> None:
        """Let others change the file."""
        os.close(self._descriptor)


def _gives_time() -> bool:
    with contextlib.suppress(OSError, ValueError):
        return int(_BREAK_TIME.read_text(encoding="ascii")) >= _LEAST_BREAK_S
    return False
