"""A hover as text: Markdown, or plain where a client shows no other. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.features.fences import fenced

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.features.hover.hovers import Hover
    from pylot_ls.language import Language

# By which name Markdown knows a language, where that is not LSP's.
_FENCES = {"javascriptreact": "jsx", "typescriptreact": "tsx"}
# What Markdown takes for more than itself, and no more: editors that show it as it is show each backslash.
_SPECIAL = re.compile(
    r"""
      \\ (?=[^\w\s]) | `
    | (?<!\w)_(?=\S) | (?<=\S)_(?!\w)        # not within a name
    | \*(?=\S) | (?<=\S)\*
    | <(?=[A-Za-z/!?]) | &(?=\#?\w+;) | ~(?=~) | \](?=[(\[:])
    | \A(?:\#{1,6}|[-+>])(?=\s)
    """,
    re.VERBOSE,
)
_NUMBER_AT_START = re.compile(r"\A(\d+)(?=[.)]\s)")
_CODE_SPAN = re.compile(r"(`+[^`]+`+)")


def as_markdown(hover: Hover, language_id: str, language: Language) -> str:
    """Signature, documentation, explanation."""
    parts = []
    if hover.stated is not None:
        parts.append(fenced(hover.stated.signature, _FENCES.get(language_id, language_id)))
        parts.append(_escaped(hover.stated.documentation))
    explanation = _explanation(hover, language, _escaped)
    if explanation and any(parts):
        parts.append("---")
    return "\n\n".join(part for part in (*parts, explanation) if part)


def as_plain_text(hover: Hover, language: Language) -> str:
    """The same without marks."""
    said = (hover.stated.signature, hover.stated.documentation) if hover.stated is not None else ()
    return "\n\n".join(part for part in (*said, _explanation(hover, language, str)) if part)


def _explanation(hover: Hover, language: Language, shown: Callable[[str], str]) -> str:
    text = shown(hover.explanation.text)
    if not hover.is_going_on:
        return text
    if text:
        return f"{text} …"
    return language.say("An explanation is being written; look again in a moment.")


def _escaped(text: str) -> str:
    """Text whose characters Markdown takes for nothing else; what it quotes as code stays code."""
    parts = _CODE_SPAN.split(text)
    shown = (part if number % 2 else _SPECIAL.sub(r"\\\g<0>", part) for number, part in enumerate(parts))
    return _NUMBER_AT_START.sub(r"\1\\", "".join(shown))
