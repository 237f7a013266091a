"""The lines that a suggestion adds are indented as the file is: with tabs or with spaces. Pure."""

from __future__ import annotations

import re

# So many lines around the cursor say how the file is indented.
_N_LINES = 200
_SPACES = 4
_INDENTATION = re.compile(r"[ \t]*")


def indented_as(text: str, before: str, after: str) -> str:
    r"""The text with tabs where the lines around it have tabs, and with spaces where they have spaces.

    Where they have neither, or as many of both, it stays as it is.

    Args:
        text: what is inserted; its first line continues the last one of ``before``.
        before: the text up to there; line terminators are ``\n``, here and below.
        after: the text from there on.
    """
    around = [*before.split("\n")[-_N_LINES:], *after.split("\n")[1:_N_LINES]]
    n_tabs = sum(line.startswith("\t") for line in around)
    widths = [len(_indentation(line)) for line in around if line.startswith(" ") and line.strip()]
    if n_tabs == len(widths):
        return text
    first, *added = text.split("\n")
    # On a line that is empty so far the first line, too, begins with its indentation.
    lines = [first, *added] if not before.rpartition("\n")[2].strip() else added
    converted = _with_tabs(lines) if n_tabs > len(widths) else _with_spaces(lines, _step(widths))
    return "\n".join(converted if len(converted) > len(added) else [first, *converted])


def _with_tabs(lines: list[str]) -> list[str]:
    """A tab for each step; spaces after a tab align something and stay."""
    widths = [0 if "\t" in _indentation(line) else len(_indentation(line)) for line in lines]
    step = _step([width for width in widths if width])
    return [
        "\t" * (width // step) + " " * (width % step) + line[width:] for line, width in zip(lines, widths, strict=True)
    ]


def _with_spaces(lines: list[str], step: int) -> list[str]:
    return [_indentation(line).replace("\t", " " * step) + line[len(_indentation(line)) :] for line in lines]


def _step(widths: list[int]) -> int:
    """How far a block is indented, in columns: what most of the widths are a multiple of."""
    n_halves = sum(width % _SPACES == _SPACES // 2 for width in widths)
    return _SPACES // 2 if n_halves * 4 > len(widths) else _SPACES


def _indentation(line: str) -> str:
    found = _INDENTATION.match(line)
    return found.group() if found else ""
