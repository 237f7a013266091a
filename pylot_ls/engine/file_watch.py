"""Models whose files change while they are loaded: a new file is loaded, one that cannot be read is refused.

What is loaded stays in memory as it was, whatever becomes of its file: one that is replaced by rename stays for who has
mapped it, and ``mapped_file.py`` sees to those that are rewritten in place.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.identity import file_stamp, is_other_file
from pylot_ls.engine.probe import probe
from pylot_ls.errors import ModelError
from pylot_ls.language import Message, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pylot_ls.engine.pooled_backend import PooledBackend

    Stamps = dict[Path, str | None]

_log = logging.getLogger(__name__)

_INTERVAL_S = 5.0


class FileWatch:
    """Looks at the files of models. On the event loop; the disk is asked on threads.

    Args:
        tell: tells the user something.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._seen: dict[PooledBackend, Stamps] = {}
        self._refused: dict[PooledBackend, Stamps] = {}

    async def watch(self, backends: Callable[[], Iterable[PooledBackend]]) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL_S)
            await self.look(backends())

    async def look(self, backends: Iterable[PooledBackend]) -> None:
        """Load again what has changed, once it has not changed any further since the last look."""
        for backend in backends:
            before = dict(backend.stamps)
            now = await asyncio.to_thread(_stamps, before)
            # One that is gone may be about to come; who has mapped it does not miss it.
            if now == before or None in now.values() or now == self._refused.get(backend):
                self._seen.pop(backend, None)
            elif self._seen.get(backend) != now:
                self._seen[backend] = now
            else:
                del self._seen[backend]
                await self._changed(backend, before, now)

    async def _changed(self, backend: PooledBackend, before: Mapping[Path, str | None], now: Stamps) -> None:
        changed = [file for file, stamp in now.items() if stamp != before[file]]
        names = ", ".join(file.name for file in changed)
        try:
            # Where nothing is loaded, loading says what is wrong.
            for file in changed if backend.is_loaded else ():
                await asyncio.to_thread(_check, file)
        except ModelError as error:
            self._refused[backend] = now
            self._tell(
                Message(
                    "{files} has changed and cannot be used as it is now: {reason}; what was loaded goes on",
                    files=names,
                    reason=text_of(error),
                )
            )
            return
        if all(is_other_file(before[file] or "", now[file] or "") for file in changed):
            _log.warning("%s was replaced; it is loaded again", names)
        else:
            self._tell(Message("{files} was rewritten in place; it is loaded again", files=names))
        await asyncio.to_thread(backend.reload)


def _check(file: Path) -> None:
    """Refuse what would not be loaded; before what is loaded is let go.

    Raises:
        ModelError: see ``probe``.
    """
    if read_header(file).metadata.get("general.type") != "adapter":
        probe(file)


def _stamps(files: Iterable[Path]) -> Stamps:
    return {file: file_stamp(file) for file in files}
