"""What is taken off a suggestion because the text after the cursor holds it already. Pure."""

from __future__ import annotations

import re

# So many of the next lines that are not blank are not suggested again.
_N_FOLLOWING = 3
# Fewer characters at a suggestion's end stand after the cursor by chance, or are brackets that are needed twice.
_MIN_REPEATED = 3
# White space before and in what stands after the cursor, in characters.
_LONGEST_GAP = 500
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
# A letter, a digit or what is no sign of a programming language: an emoji, say.
_SAYS_SOMETHING = re.compile(r"[^\W_]|[^\x00-\x7f]")
_PART_OF_WORD = re.compile(r"\w+\Z")


def trim(suggestion: str, suffix: str, line_before: str = "") -> str:
    r"""The suggestion without white space at its end and without what already stands after the cursor.

    Args:
        suggestion: line terminators are ``\n``.
        suffix: the text after the cursor, as far as a suggestion could reach; line terminators are ``\n``.
        line_before: the cursor's line up to the cursor.
    """
    text = suggestion.rstrip()
    rest_of_line = suffix.partition("\n")[0]
    if rest_of_line.strip():
        # Before the rest of a line only one line can stand.
        text = text.partition("\n")[0].rstrip()
    # Without what was repeated the text may end in the same again.
    shown = _trimmed(text, suffix, line_before)
    while shown != text:
        text, shown = shown, _trimmed(shown, suffix, line_before)
    return shown


def _trimmed(text: str, suffix: str, line_before: str) -> str:
    return _without_repeated_end(_without_repeated_lines(text, suffix, line_before), suffix)


def _without_repeated_lines(text: str, suffix: str, line_before: str) -> str:
    """Cut from the first line that equals one of the next lines of the file that are not blank."""
    following = [line.rstrip() for line in suffix.split("\n")[1:] if line.strip()][:_N_FOLLOWING]
    lines = text.split("\n")
    rest_of_line = "" if lines[1:] else suffix.partition("\n")[0]
    is_begun = line_before.strip() or rest_of_line.strip()
    if is_begun and following and (line_before + lines[0] + rest_of_line).rstrip() == following[0]:
        return ""
    repeated = {_as_compared(line) for line in following}
    # A line that was begun is the user's own; one that is empty so far has its indentation already.
    compared = [line_before + lines[0] if not line_before.strip() else lines[0], *lines[1:]]
    kept = next((i for i, line in enumerate(compared) if line.strip() and _as_compared(line) in repeated), len(lines))
    return "\n".join(lines[:kept]).rstrip()


def _as_compared(line: str) -> str:
    """A line as it is told from others: of a bracket or two the indentation says which block they end."""
    return line.strip() if len("".join(line.split())) >= _MIN_REPEATED else line.rstrip()


def _without_repeated_end(text: str, suffix: str) -> str:
    """Cut the end that the text after the cursor begins with, white space aside: ``foo(a, b):`` before ``, b):``."""
    head = "".join(suffix[: len(text) + _LONGEST_GAP].split())
    places = [place for place, character in enumerate(text) if not character.isspace()]
    letters = "".join(text.split())
    rest_of_line = "".join(suffix.partition("\n")[0].split())
    # A closing bracket alone may be needed twice, which the balance of the line tells.
    is_rest_complete = any(map(str.isalnum, rest_of_line)) or _is_balanced(rest_of_line)
    for n in range(min(len(letters), len(head)), 0, -1):
        is_all = is_rest_complete and head[:n] == rest_of_line
        if (n >= _MIN_REPEATED or is_all) and letters.endswith(head[:n]):
            # On the lines below another word begins; here the cursor may stand within one.
            kept = text[: places[-n]] if rest_of_line else _PART_OF_WORD.sub("", text[: places[-n]])
            return kept.rstrip() if _SAYS_SOMETHING.search(kept) else ""
    return text


def _is_balanced(signs: str) -> bool:
    """Whether each bracket has its other half, as in ``:``, ``;`` and ``[]``."""
    waiting = []
    for sign in signs:
        if sign in _CLOSERS:
            waiting.append(_CLOSERS[sign])
        elif sign in _CLOSERS.values() and (not waiting or waiting.pop() != sign):
            return False
    return not waiting
