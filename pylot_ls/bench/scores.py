"""How good suggestions were: what a question brought, and figures over many of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Question:
    """One look of the person at what is suggested.

    Attributes:
        similarity: of the suggestion's first line to the rest of the line, 0 to 1, 0 without a suggestion; None where
            nothing of the line is left to type.
        is_exact: whether its first line is the rest of the line.
        is_shown: whether there is a suggestion.
        is_right: whether the suggestion, to the end of its first line with text, is what comes next or its beginning.
        n_kept: characters that were accepted.
        confidence: the server's in the suggestion, None where it gave none.
        is_late: whether an answer came that nobody waited for.
        repeats_suffix: whether the suggestion repeats what follows the cursor, see ``flaws.repeats``.
        adds_errors: whether the file has more syntax errors with it; None where there is no grammar, or no suggestion.
    """

    similarity: float | None
    is_exact: bool = False
    is_shown: bool = False
    is_right: bool = False
    n_kept: int = 0
    confidence: float | None = None
    is_late: bool = False
    repeats_suffix: bool = False
    adds_errors: bool | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over questions; those of two parts added are those of the whole.

    Attributes:
        n_characters: typed in all, accepted ones among them; see ``Typing.n_characters``.
        n_kept: those that were accepted.
        n_questions, n_shown, n_right, n_late: see Question.
        n_repeating: suggestions that repeat what follows.
        n_parsed, n_adding: suggestions in languages with a grammar, and those of them that add errors.
        n_in_line: questions with something of the line left to type.
        n_exact, similarity: sums over those.
    """

    n_characters: int = 0
    n_kept: int = 0
    n_questions: int = 0
    n_shown: int = 0
    n_right: int = 0
    n_late: int = 0
    n_repeating: int = 0
    n_parsed: int = 0
    n_adding: int = 0
    n_in_line: int = 0
    n_exact: int = 0
    similarity: float = 0.0

    @classmethod
    def of(cls, n_characters: int, questions: Iterable[Question]) -> Tally:
        """The sums over the questions of what has so many characters."""
        asked = list(questions)
        return cls(
            n_characters=n_characters,
            n_kept=sum(each.n_kept for each in asked),
            n_questions=len(asked),
            n_shown=sum(each.is_shown for each in asked),
            n_right=sum(each.is_right for each in asked),
            n_late=sum(each.is_late for each in asked),
            n_repeating=sum(each.repeats_suffix for each in asked),
            n_parsed=sum(each.adds_errors is not None for each in asked),
            n_adding=sum(each.adds_errors is True for each in asked),
            n_in_line=sum(each.similarity is not None for each in asked),
            n_exact=sum(each.is_exact for each in asked),
            similarity=sum(each.similarity or 0.0 for each in asked),
        )

    @classmethod
    def total(cls, tallies: Iterable[Tally]) -> Tally:
        """The sum of several."""
        parts = list(tallies)
        return cls(**{field.name: sum(getattr(part, field.name) for part in parts) for field in fields(cls)})

    def figures(self) -> dict[str, float | None]:
        """What is reported: shares from 0 to 1, None where there is nothing to take a share of.

        kept_characters: of the characters that a person has to type (Return is one, the indentation that the editor
            gives after it none), those that came from accepted suggestions.
        exact_line: of the questions with something of the line left to type, those where the suggestion's first line
            is exactly that.
        edit_similarity: the mean, over the same questions, of 1 - Levenshtein distance / length of the longer one
            between the two; 0 without a suggestion.
        shown: of all questions, also those where nothing was asked for or the answer was late, those with a suggestion.
        wrong_shown: of the suggestions shown, those that, to the end of their first line with text, are neither what
            comes next nor its beginning, even if the first word was accepted; behind the last character of the hole
            everything is wrong.
        repeats_suffix: of the suggestions shown, those that repeat what follows the cursor: a whole line equal to the
            next, or three and more characters, white space aside, that the text behind the cursor begins with.
        adds_errors: of the suggestions shown in languages with a grammar, those with which tree-sitter counts more
            errors in the whole file than without.
        late: of all questions, those whose answer came later than a person waits; nothing is shown then.
        """
        return {
            "kept_characters": _share(self.n_kept, self.n_characters),
            "exact_line": _share(self.n_exact, self.n_in_line),
            "edit_similarity": _share(self.similarity, self.n_in_line),
            "shown": _share(self.n_shown, self.n_questions),
            "wrong_shown": _share(self.n_shown - self.n_right, self.n_shown),
            "repeats_suffix": _share(self.n_repeating, self.n_shown),
            "adds_errors": _share(self.n_adding, self.n_parsed),
            "late": _share(self.n_late, self.n_questions),
        }


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def similarity(left: str, right: str) -> float:
    """1 - Levenshtein distance / length of the longer; 1 for two empty texts."""
    longest = max(len(left), len(right))
    return 1 - _distance(left, right) / longest if longest else 1.0


def _distance(left: str, right: str) -> int:
    """Insertions, deletions and replacements of characters that lead from one to the other."""
    row = list(range(len(right) + 1))
    for n_left, character in enumerate(left, 1):
        diagonal, row[0] = row[0], n_left
        for index, other in enumerate(right, 1):
            cheapest = min(row[index] + 1, row[index - 1] + 1, diagonal + (character != other))
            diagonal, row[index] = row[index], cheapest
    return row[-1]
