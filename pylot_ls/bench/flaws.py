"""What is wrong with a suggestion, whatever the person was going to type. Pure.

It is said here in another way than by the rules of the server (``features/trim.py``, ``features/soundness.py``), which
see less of the file.
"""

from __future__ import annotations

from pylot_ls.syntax.whole import n_errors

# Fewer characters stand there by chance, or are brackets.
_FEWEST_REPEATED = 3


def repeats(suggestion: str, before: str, after: str) -> bool:
    r"""Whether a suggestion repeats what follows the cursor.

    It does where three or more characters at its end, white space aside, are those that the text behind the cursor
    begins with, or where one of the lines that there would be with it equals the next line of the text that is not
    blank. The indentation counts of the line that was begun, and of one with fewer than three characters: it says which
    block a bracket ends.

    Args:
        suggestion: line terminators are ``\n``, here and below.
        before: the text up to the cursor.
        after: the text from there on.
    """
    if not suggestion.strip():
        return False
    letters, head = "".join(suggestion.split()), "".join(after.split())
    lengths = range(_FEWEST_REPEATED, min(len(head), len(letters)) + 1)
    if any(letters.endswith(head[:n]) for n in lengths):
        return True
    rest, _, below = after.partition("\n")
    following = next((line for line in below.split("\n") if line.strip()), "")
    begun = before.rpartition("\n")[2]
    first, *added = (begun + suggestion + rest).split("\n")
    if not begun.strip():
        added.append(first)
    is_added = any(_as_compared(line) == _as_compared(following) for line in added)
    return bool(following) and (is_added or first.rstrip() == following.rstrip())


def _as_compared(line: str) -> str:
    return line.strip() if len("".join(line.split())) >= _FEWEST_REPEATED else line.rstrip()


def adds_errors(suggestion: str, before: str, after: str, language_id: str) -> bool | None:
    """Whether the whole text has more syntax errors with a suggestion than without; None where there is no grammar."""
    now, then = n_errors(language_id, before + after), n_errors(language_id, before + suggestion + after)
    return None if now is None or then is None else then > now
