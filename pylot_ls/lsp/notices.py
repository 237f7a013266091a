"""Messages to the user: each one shown once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from pylot_ls.language import ENGLISH
from pylot_ls.trace import on_one_line

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

_log = logging.getLogger(__name__)


class Notices:
    """Shows messages in the editor, never the same one twice: a fault that lasts must not pop up at each keystroke.

    Attributes:
        language: in which they are shown, where they are translated; the log has them in English.
    """

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self.language = ENGLISH
        self._shown: set[str] = set()

    def error(self, message: str) -> None:
        """Something does not work until the user does something about it."""
        self._show(message, types.MessageType.Error)

    def warning(self, message: str) -> None:
        """Something is not as the user asked, but the server goes on."""
        self._show(message, types.MessageType.Warning)

    def _show(self, message: str, kind: types.MessageType) -> None:
        if message in self._shown:
            return
        self._shown.add(message)
        _log.warning("%s", message)
        self._server.window_show_message(
            types.ShowMessageParams(kind, f"pylot-ls: {on_one_line(self.language.of(message))}")
        )
