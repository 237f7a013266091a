"""An answer that is told while it is being made, as the client wants it: in parts, or as progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Callable

    Token = int | str


class AnswerStream:
    """Tells a client of an answer on the way; nothing where it gave no token.

    Args:
        notify: sends a notification.
        partial_token: the request's ``partialResultToken``: each piece of text is told as it comes.
        work_done_token: its ``workDoneToken``: where there is no other, the line that is being written is shown.
    """

    def __init__(
        self,
        notify: Callable[[str, types.ProgressParams], None],
        partial_token: Token | None = None,
        work_done_token: Token | None = None,
    ) -> None:
        self._notify = notify
        self._partial_token = partial_token
        self._work_done_token = work_done_token
        self._line = ""

    def begin(self, title: str) -> None:
        """The answer is being made; ``title`` is shown."""
        self._report(types.WorkDoneProgressBegin(title=title))

    def tell(self, piece: str) -> None:
        """So much more of the answer is there."""
        if self._partial_token is not None:
            self._notify(types.PROGRESS, types.ProgressParams(token=self._partial_token, value=piece))
            return
        self._line = (self._line + piece).rpartition("\n")[2]
        if self._line.strip():
            self._report(types.WorkDoneProgressReport(message=self._line))

    def end(self) -> None:
        """The answer is there, or there will be none."""
        self._report(types.WorkDoneProgressEnd())

    def _report(
        self, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd
    ) -> None:
        if self._work_done_token is not None:
            self._notify(types.PROGRESS, types.ProgressParams(token=self._work_done_token, value=value))
