"""Starts the shared server in this process, and asks one that runs elsewhere."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

from pylot_ls import __version__, trace
from pylot_ls.errors import PylotError
from pylot_ls.serving.daemon import Daemon
from pylot_ls.serving.models import make_shared_models
from pylot_ls.serving.place import NotRunningError, ask, lock_path, locked, log_path, make_folder, runtime_folder

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings
    from pylot_ls.serving.http import HttpOptions

_STOP_S = 30.0
_POLL_S = 0.02


def serve(settings: Settings, idle_exit_s: float, http: HttpOptions | None = None) -> None:
    """Serve until told to stop, or until nobody has been there for ``idle_exit_s`` seconds; 0 for never.

    ``http``: how HTTP is served beside the socket; None where it is not.

    Raises:
        AlreadyRunningError: another one does.
        PlaceError: the folder for its socket cannot be trusted.
        HttpError: HTTP cannot be served like that.
    """
    folder = runtime_folder(os.environ)
    make_folder(folder)
    trace.configure(settings.log.level, settings.log.file or log_path(folder))
    asyncio.run(_serve(settings, idle_exit_s, http))


async def _serve(settings: Settings, idle_exit_s: float, http: HttpOptions | None) -> None:
    models, process = make_shared_models(settings)
    daemon = Daemon(runtime_folder(os.environ), settings, models, idle_exit_s=idle_exit_s, process=process, http=http)
    await daemon.run()


def status() -> dict[str, Any] | None:
    """What the running server says of itself; None where none is running."""
    answer = _asked("status")
    return None if answer is None else dict(answer["status"])


def stop() -> int | None:
    """Have the running server end and wait for it; its process id, None where none is running.

    Raises:
        PylotError: it has not ended in time.
    """
    answer = _asked("stop")
    if answer is None:
        return None
    lock, deadline = lock_path(runtime_folder(os.environ)), time.monotonic() + _STOP_S
    while time.monotonic() < deadline:
        with locked(lock) as is_ours:
            if is_ours:
                return int(answer["pid"])
        time.sleep(_POLL_S)
    raise PylotError(f"the shared server, process {answer['pid']}, has not ended within {_STOP_S:.0f} s")


def _asked(command: str) -> dict[str, Any] | None:
    try:
        connection, answer = ask(runtime_folder(os.environ), __version__, command)
    except NotRunningError:
        return None
    connection.close()
    return answer if answer.get("ok") else None
