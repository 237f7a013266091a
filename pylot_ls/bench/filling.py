"""A person fills a hole in a file and takes what is suggested where it is right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pylot_ls.bench.flaws import adds_errors, repeats
from pylot_ls.bench.looks import Typing
from pylot_ls.bench.scores import Question, similarity

if TYPE_CHECKING:
    from pylot_ls.bench.corpus import Source
    from pylot_ls.bench.holes import Hole
    from pylot_ls.bench.looks import Ask


@dataclass(frozen=True, slots=True)
class Shown:
    """What an editor shows at the cursor.

    Attributes:
        text: the suggestion, "" for none.
        wait_ms: from the keystroke until it was there.
        confidence: the server's in it, None where it gave none.
    """

    text: str
    wait_ms: float
    confidence: float | None = None


class Editor(Protocol):
    """An editor with its completion server, as the person meets it."""

    async def open(self, source: Source, hole: Hole) -> None:
        """Open a file without the hole, the cursor in it."""

    def insert(self, text: str) -> None:
        """Type or accept a text at the cursor, which then stands behind it."""

    async def look(self) -> Shown:
        """What is shown at the cursor."""

    def close(self) -> None:
        """Close the file."""


async def fill(editor: Editor, source: Source, hole: Hole, ask: Ask, budget_ms: float) -> list[Question]:
    """Open a file with a hole, type what is missing, and close it.

    The person looks where ``ask`` says and after each acceptance, and waits ``budget_ms`` at most; what comes later is
    not seen. Where nothing of what is shown is worth taking, the next keystroke follows.

    Raises:
        ClientError: the server ended or failed.
    """
    await editor.open(source, hole)
    # Who comes to a place reads before typing: the cold prompt is evaluated meanwhile.
    await editor.look()
    typing = Typing(hole.text)
    looks = typing.looks(ask)
    questions: list[Question] = []
    at, has_accepted = 0, False
    while True:
        accepted = ""
        if has_accepted or at in looks:
            shown = await editor.look()
            accepted = typing.accepted(shown.text, at) if shown.wait_ms <= budget_ms else ""
            question = _question(typing, at, shown, accepted, budget_ms)
            questions.append(_with_flaws(question, shown.text, hole, at, source.language_id))
        if at == len(hole.text):
            break
        text = accepted or typing.keystroke(at)
        editor.insert(text)
        at += len(text)
        has_accepted = bool(accepted)
    editor.close()
    return questions


def _question(typing: Typing, at: int, shown: Shown, accepted: str, budget_ms: float) -> Question:
    rest = typing.rest_of_line(at)
    if shown.wait_ms > budget_ms:
        return Question(0.0 if rest else None, is_late=True)
    first_line = shown.text.split("\n", 1)[0]
    return Question(
        similarity=similarity(first_line, rest) if rest else None,
        is_exact=bool(rest) and first_line == rest,
        is_shown=bool(shown.text),
        is_right=bool(shown.text) and typing.is_right(shown.text, at),
        n_kept=typing.n_characters(at, at + len(accepted)),
        confidence=shown.confidence if shown.text else None,
    )


def _with_flaws(question: Question, text: str, hole: Hole, at: int, language_id: str) -> Question:
    if not question.is_shown:
        return question
    before = hole.before + hole.text[:at]
    return replace(
        question,
        repeats_suffix=repeats(text, before, hole.after),
        adds_errors=adds_errors(text, before, hole.after, language_id),
    )
