"""What an edit says about a suggestion that was shown at its place. Pure.

Most editors do not tell what becomes of a suggestion, but all send what happens to the document: a suggestion that
appears in it in one edit was accepted, one that appears character by character was typed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylot_ls.text.difference import Difference
    from pylot_ls.text.rope import Text


class Verdict(enum.StrEnum):
    """What became of a suggestion."""

    ACCEPTED = "accepted"  # all that was left of it, at once
    ACCEPTED_LINE = "accepted_line"
    ACCEPTED_WORD = "accepted_word"
    TYPED = "typed"  # the user typed it, or its beginning
    REJECTED = "rejected"  # something else was typed, pasted or deleted in its place
    IGNORED = "ignored"  # the user went on elsewhere

    @property
    def is_acceptance(self) -> bool:
        """Whether any of it was accepted."""
        return self in {Verdict.ACCEPTED, Verdict.ACCEPTED_LINE, Verdict.ACCEPTED_WORD}


class Move(enum.Enum):
    """What an edit did with a suggestion."""

    NOTHING = enum.auto()
    ALONG = enum.auto()  # more of it stands in the document
    BACK = enum.auto()  # characters before the cursor were deleted
    OTHER = enum.auto()  # something else happened in its place
    ELSEWHERE = enum.auto()


@dataclass(frozen=True, slots=True)
class Step:
    """What an edit did.

    Attributes:
        move: that.
        n: characters that came to stand (ALONG) or went (BACK); for OTHER those that replaced what stood there.
        accepted: how, where they came by being accepted.
    """

    move: Move
    n: int = 0
    accepted: Verdict | None = None


# Editors may send what was typed within a moment as one edit (Neovim: within 150 ms), so fewer were typed.
_FEWEST_ACCEPTED = 3
_CLOSING = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}


def judge(changed: Difference, after: Text, suggestion: str, place: int, n_done: int) -> Step:
    """What an edit did with a suggestion.

    Args:
        changed: between the document before the edit and after it.
        after: the document after it.
        suggestion: its text.
        place: the cursor's offset before the edit.
        n_done: how many of the suggestion's characters stand before the cursor.
    """
    edit = changed.edit_near(place)
    if edit.end < place or edit.start > place:
        return Step(Move.ELSEWHERE)
    if edit.new_end == edit.start and edit.end == place:
        n_deleted = edit.end - edit.start
        return Step(Move.BACK, n_deleted) if n_deleted <= n_done else Step(Move.OTHER)
    if edit.start == edit.end:
        found = _inserted(after.slice(edit.start, edit.new_end), suggestion, n_done)
        if found is not None:
            return found
    return Step(Move.OTHER, edit.new_end - edit.start)


def unit_of(rest: str, n: int) -> Verdict:
    """By which unit the first ``n`` characters of a text are accepted: all of it, a line or a word."""
    if n >= len(rest):
        return Verdict.ACCEPTED
    is_line = rest[n] in "\r\n" or rest[:n].rstrip(" \t").endswith(("\r", "\n"))
    return Verdict.ACCEPTED_LINE if is_line else Verdict.ACCEPTED_WORD


def _inserted(text: str, suggestion: str, n_done: int) -> Step | None:
    """What an insertion at the cursor did; None where it is something else than the suggestion."""
    rest = suggestion[n_done:]
    n = next((i for i, (a, b) in enumerate(zip(text, rest, strict=False)) if a != b), min(len(text), len(rest)))
    more = text[n:]
    is_closed = bool(more) and more == _CLOSING.get(suggestion[n_done + n - 1 : n_done + n])
    if more and not is_closed:
        # Typed fast, beyond its end.
        return Step(Move.ALONG, n) if n == len(rest) else None
    if n == 0:
        return Step(Move.NOTHING)
    # An opening bracket with which its closing one came was typed: editors add none to what is accepted.
    return Step(Move.ALONG, n, None if is_closed else _accepted(rest, n))


def _accepted(rest: str, n: int) -> Verdict | None:
    """How the first ``n`` characters were accepted that came in one edit; None: they were typed."""
    taken = rest[:n]
    if len(taken.strip()) < _FEWEST_ACCEPTED:
        return None
    unit = unit_of(rest, n)
    if unit is Verdict.ACCEPTED_WORD and _is_word(taken[-1]) and _is_word(rest[n]):
        return None
    return unit


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
