"""Progress of something that a user waits for, as the editor shows it; the user may cancel it there."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Self

from lsprotocol import types

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pylot_ls.lsp.server import PylotServer

_log = logging.getLogger(__name__)

_MOST_WAIT_S = 1.0


class WorkProgress:
    """Shows for the time of a ``with`` block that something is being done; cancelled there, the block's task is.

    The client is asked first whether it wants to show it; nothing waits for its answer.

    Args:
        server: whose client that is.
        title: of what is done.
    """

    def __init__(self, server: PylotServer, title: str) -> None:
        self._server = server
        self._title = title
        self._token = f"pylot-ls/{uuid.uuid4().hex}"
        self._is_begun = False
        self._is_over = False
        self._beginning: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        if self._server.session.abilities.progress:
            task = asyncio.current_task()
            self._beginning = self._server.session.keep(self._begin(task))
        return self

    def __exit__(self, *_exc: object) -> None:
        """End."""
        self._is_over = True
        if self._is_begun:
            self._server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())
            self._server.protocol.progress.tokens.pop(self._token, None)

    async def gone(self) -> None:
        """Wait, after the block, until it is told that it is over; not for long, should the client never answer.

        An editor may clear with it what it was told meanwhile.
        """
        if self._beginning is not None:
            await asyncio.wait({self._beginning}, timeout=_MOST_WAIT_S)

    async def _begin(self, task: asyncio.Task[object] | None) -> None:
        progress = self._server.work_done_progress
        try:
            await progress.create_async(self._token)
        except Exception as error:  # noqa: BLE001 - a client may refuse; the work goes on without a display
            _log.info("the client shows no progress: %s", type(error).__name__)
            return

        def cancel(future: Future[object]) -> None:
            if future.cancelled() and task is not None and not self._is_over:
                task.cancel()

        self._server.protocol.progress.tokens[self._token].add_done_callback(cancel)
        # A token that was made is begun and ended, even if the work was quicker.
        progress.begin(self._token, types.WorkDoneProgressBegin(title=self._title, cancellable=True))
        self._is_begun = True
        if self._is_over:
            self.__exit__()
