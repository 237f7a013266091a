"""Between the models of one process: what is less urgent stands still while a keystroke is served elsewhere.

Within one model its scheduler sees to that. Two models that compute at the same time share the cores, and each step of
either takes twice as long.
"""

from __future__ import annotations

import threading

# A keystroke takes longer only where something is wrong, and then nobody else is to wait for it.
_LONGEST_S = 2.0


class Precedence:
    """Which keystrokes are being served. Any thread may use it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._served: set[tuple[object, str]] = set()

    def begin(self, model: object, request_id: str) -> None:
        """A model begins to serve a keystroke."""
        with self._changed:
            self._served.add((model, request_id))

    def end(self, model: object, request_id: str) -> None:
        """A request of a model has ended, a keystroke or another."""
        with self._changed:
            self._served.discard((model, request_id))
            self._changed.notify_all()

    def forget(self, model: object) -> None:
        """A model serves nothing any more."""
        with self._changed:
            self._served = {each for each in self._served if each[0] is not model}
            self._changed.notify_all()

    def give_way(self, model: object) -> None:
        """Wait until no other model serves a keystroke, but not for ever."""
        with self._changed:
            self._changed.wait_for(lambda: all(each[0] is model for each in self._served), _LONGEST_S)
