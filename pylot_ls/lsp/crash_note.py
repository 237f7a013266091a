"""What a server was doing when native code ended it: kept in a mapped page, which outlives the process without a write.

A crash of llama.cpp runs no code of ours any more. What stands in the page then is found at the next start, and told.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import time
from typing import TYPE_CHECKING

from pylot_ls.config.folders import make_private
from pylot_ls.errors import SettingsError
from pylot_ls.private_file import write_private
from pylot_ls.trace import on_one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger(__name__)

_SUFFIX = ".serving"
_BOOK = "crashes.log"
_PAGE_BYTES = 1024
_MOST_REMEMBERED = 20


class CrashNote:
    """Says which kinds of requests this process serves just now.

    Args:
        folder: the user's own; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{os.getpid()}{_SUFFIX}"
        self._page: mmap.mmap | None = None
        self._methods: dict[int | str, str] = {}
        # The server goes on without it.
        with contextlib.suppress(OSError, ValueError, SettingsError):
            make_private(folder)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.truncate(descriptor, _PAGE_BYTES)
                self._page = mmap.mmap(descriptor, _PAGE_BYTES)
            finally:
                os.close(descriptor)

    def serving(self, request: int | str, method: str) -> None:
        """Note a request that is served from now on; with an empty method, that it has been answered."""
        if method:
            self._methods[request] = method
        else:
            self._methods.pop(request, None)
        if self._page is not None:
            text = ", ".join(sorted(self._methods.values())).encode("ascii", "replace")[:_PAGE_BYTES]
            self._page[:] = text.ljust(_PAGE_BYTES, b"\0")

    def close(self) -> None:
        """The process ends as it should."""
        if self._page is not None:
            self._page.close()
            self._page = None
            with contextlib.suppress(OSError):
                self._path.unlink()


def find_crashes(folder: Path, is_alive: Callable[[int], bool]) -> list[str]:
    """Enter what ended in the middle of something since the last look; what to tell about it.

    One that was ended from outside with nothing to do has not crashed.
    """
    told = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        pid = path.name.removesuffix(_SUFFIX)
        if not pid.isdigit() or int(pid) == os.getpid() or is_alive(int(pid)):
            continue
        with contextlib.suppress(OSError):
            ended = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime))
            with path.open("rb") as page:
                served = on_one_line(page.read(_PAGE_BYTES).rstrip(b"\0").decode("ascii", "replace"))
            path.unlink()
            if served:
                told.append(f"{ended} a server (process {pid}) ended in the middle of {served}")
    if told:
        _remember(folder / _BOOK, told)
    return told


def past_crashes(folder: Path) -> list[str]:
    """What has been found so far, the latest last."""
    try:
        return (folder / _BOOK).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _remember(book: Path, told: list[str]) -> None:
    lines = [*past_crashes(book.parent), *told][-_MOST_REMEMBERED:]
    with contextlib.suppress(OSError):
        write_private(book, "".join(f"{line}\n" for line in lines))
    _log.debug("%d crashes were found", len(told))
