"""The head of a file: its imports, which tell what the names further down are. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.text.rope import Text

_MOST_LINES = 60
_IMPORT = re.compile(
    r"\s*(import\b|from\s+\S+\s+import\b|#\s*include\b|use\s|using\s|package\s|require\b|mod\s|@import\b"
    r"|(const|let|var)\s.*\brequire\()",
)
# What may stand between imports: blank lines, comments, the ends of import lists, and file docstrings by their marks.
_BETWEEN = re.compile(r"\s*($|#|//|/\*|\*|--|\"\"\"|'''|[)\]}\"'\w]+[\s,;]*$|[\w.*]+( as \w+)?,)")


def file_head(text: Text, n_characters: int) -> str:
    r"""The whole lines of imports and of what stands between them at a text's beginning, "" where there are none.

    Ends with its last import; never longer than ``n_characters``. Line terminators are ``\n``.
    """
    lines: list[str] = []
    n_kept = length = 0
    for number in range(min(_MOST_LINES, text.n_lines)):
        line = text.line(number) if text.line_end(number) - text.line_start(number) <= n_characters else None
        if line is None or length + len(line) + 1 > n_characters:
            break
        is_import = bool(_IMPORT.match(line))
        if not is_import and not _BETWEEN.match(line):
            break
        lines.append(line)
        length += len(line) + 1
        if is_import:
            n_kept = len(lines)
    return "".join(f"{line}\n" for line in lines[:n_kept])
