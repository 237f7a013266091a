"""What is taken off a suggestion before anybody sees it. Pure."""

from __future__ import annotations


def trim(suggestion: str, suffix: str) -> str:
    r"""The suggestion without white space at its end and without what already stands after the cursor.

    Args:
        suggestion: line terminators are ``\n``.
        suffix: the text after the cursor, at least to the end of its line; line terminators are ``\n``.
    """
    text = suggestion.rstrip()
    rest_of_line = suffix.split("\n", 1)[0]
    if not text:
        return ""
    if rest_of_line.strip():
        return _without_repeated_end(text, rest_of_line)
    return _without_repeated_lines(text, suffix)


def _without_repeated_end(text: str, rest_of_line: str) -> str:
    """Cut the end that the rest of the line repeats: ``foo(a)`` before ``)`` is ``foo(a``."""
    first_line = text.split("\n", 1)[0].rstrip()
    rest = rest_of_line.strip()
    for n in range(min(len(first_line), len(rest)), 0, -1):
        if first_line.endswith(rest[:n]):
            return first_line[: len(first_line) - n].rstrip()
    return first_line


def _without_repeated_lines(text: str, suffix: str) -> str:
    """Cut from the first line that equals the next line of the file that is not blank."""
    following = next((line.strip() for line in suffix.split("\n")[1:] if line.strip()), "")
    lines = text.split("\n")
    kept = next((i for i, line in enumerate(lines) if following and line.strip() == following), len(lines))
    return "\n".join(lines[:kept]).rstrip()
