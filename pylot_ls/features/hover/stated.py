"""What the text itself says of a definition: its signature, and the beginning of its documentation. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.prompts.window import with_line_feeds

if TYPE_CHECKING:
    from pylot_ls.syntax.definitions import Definition
    from pylot_ls.text.rope import Text

_MOST_SIGNATURE_LINES = 12
_MOST_CHARACTERS = 1000
_MOST_COMMENT_CHARACTERS = 4000

_OPENING = re.compile(r"""\A\s*[rRuUbB]{0,2}(\"\"\"|'''|"|')""")
_COMMENT_MARKS = re.compile(r"^[^\S\n]*(?:/\*[*!]?|///?!?|//!|\#+|--+|\*(?!/)(?=\s|$))[^\S\n]?", re.MULTILINE)
_COMMENT_END = re.compile(r"\s*\*+/\s*\Z")
# What stands further down is about parameters, or shows how it is used.
_SECTION = re.compile(
    r"\n[^\S\n]*(?:\n|[@:\\](?:param|return|throws|raises|type)|>>>|(?:Args|Parameters|Returns)\b:?\n)"
)


@dataclass(frozen=True, slots=True)
class Stated:
    r"""Line terminators are ``\n``.

    Attributes:
        signature: as code, its first line not indented.
        documentation: its first paragraph as one line, without what makes it a comment; "" where there is none.
    """

    signature: str
    documentation: str


def stated(text: Text, definition: Definition) -> Stated:
    """What a document says of a definition; the spans are that text's."""
    span, documented = definition.signature, definition.documentation
    signature = with_line_feeds(text.slice(span.start, min(span.end, span.start + _MOST_CHARACTERS)))
    line_start = text.line_start(text.line_of(span.start))
    indentation = text.slice(line_start, span.start)
    lines = [line.removeprefix(indentation) if not indentation.strip() else line for line in signature.split("\n")]
    is_cut = span.end - span.start > _MOST_CHARACTERS or len(lines) > _MOST_SIGNATURE_LINES
    shown = "\n".join([*lines[:_MOST_SIGNATURE_LINES], *(["…"] if is_cut else [])])
    if documented is None:
        return Stated(shown, "")
    raw = text.slice(documented.start, min(documented.end, documented.start + _MOST_COMMENT_CHARACTERS))
    return Stated(shown, first_paragraph(with_line_feeds(raw)))


def first_paragraph(comment: str) -> str:
    """The first paragraph of a docstring or a comment as one line, without quotes and marks."""
    quotes = _OPENING.match(comment)
    if quotes:
        body = comment[quotes.end() :].rstrip().removesuffix(quotes[1])
    else:
        body = _COMMENT_MARKS.sub("", _COMMENT_END.sub("", comment))
    paragraph = _SECTION.split(body.strip() + "\n", maxsplit=1)[0]
    return " ".join(paragraph.split())[:_MOST_CHARACTERS]
