"""Code within Markdown. Pure."""

from __future__ import annotations

import re

_TICKS = re.compile("`+")


def fenced(code: str, language: str) -> str:
    """Code in a fence that nothing in it closes, with no line end behind it.

    ``language``: as Markdown names it.
    """
    longest = max(map(len, _TICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
