"""A piece of Python to complete in, for tests of the engine."""

from __future__ import annotations

SOURCE = '''class Stack:
    """A stack with a limit."""

    def __init__(self, limit):
        self.limit = limit
        self.items = []

    def push(self, item):
        if len(self.items) == self.limit:
            raise ValueError("full")
        self.items.append(item)
'''
AFTER = "\n\n    def pop(self):\n        return self.items.pop()\n"
