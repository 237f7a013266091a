"""Whether to begin work at an edit, before the editor asks, and where the cursor then is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A power plug is pulled rarely; asking the system reads files.
_POWER_INTERVAL_S = 30.0
# What an editor makes of an opening bracket or a quote, with the cursor between the two.
_PAIRS = frozenset(("()", "[]", "{}", "<>", '""', "''", "``"))
# More than this at once is no keystroke but a paste, a snippet or a reload.
_LONGEST_KEYSTROKE = 48


def typed_at(changes: Sequence[types.TextDocumentContentChangeEvent]) -> types.Position | None:
    """Where the cursor is after a keystroke, in the client's units; None where the edit is no keystroke.

    A keystroke is one edit within a line: a few characters typed, or a bracket that the editor has closed, or Return
    with the indentation that it adds, or something deleted. Several edits at once are several cursors or a formatter.
    """
    change = changes[0] if len(changes) == 1 else None
    if not isinstance(change, types.TextDocumentContentChangePartial):
        return None
    lines = change.text.split("\n")
    whole_lines = len(lines) > 2 or (len(lines) == 2 and bool(lines[1].strip()))  # noqa: PLR2004 - Return makes two
    if whole_lines or len(change.text) > _LONGEST_KEYSTROKE or "\r" in lines[-1]:
        return None
    start = change.range.start
    n_typed = len(change.text) - (change.text in _PAIRS)
    column = len(lines[-1]) if len(lines) > 1 else start.character + n_typed
    # Only ASCII is as long in every encoding; for anything else the editor's own request comes soon enough.
    return types.Position(start.line + len(lines) - 1, column) if change.text.isascii() else None


class PowerSource:
    """Whether the machine runs on its battery, as far as was last known; asking it never waits.

    Args:
        on_battery: asks the system.
    """

    def __init__(self, on_battery: Callable[[], bool]) -> None:
        self._on_battery = on_battery
        self.is_battery = False

    async def watch(self) -> None:
        """Keep ``is_battery`` true, for ever."""
        while True:
            self.is_battery = await asyncio.to_thread(self._on_battery)
            await asyncio.sleep(_POWER_INTERVAL_S)
