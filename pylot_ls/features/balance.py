"""Brackets and quotes of a suggestion's line, balanced with the rest of the line behind the cursor. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.features.cuts import shorter

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_TRIPLES = ('"""', "'''")
_QUOTES = "\"'`"
_ENDS = re.compile(r"""[)\]}"'`>;,:\s]\Z""")

# What a line's rest is a comment behind; elsewhere a comment's brackets count as any.
_COMMENT = {
    **dict.fromkeys(
        ("dockerfile", "makefile", "perl", "python", "r", "ruby", "shellscript", "toml", "yaml"),
        "#",
    ),
    **dict.fromkeys(
        (
            "c", "cpp", "csharp", "dart", "go", "java", "javascript", "javascriptreact", "kotlin", "php", "rust",
            "scala", "swift", "typescript", "typescriptreact", "zig",
        ),
        "//",
    ),
    **dict.fromkeys(("haskell", "lua", "sql"), "--"),
}  # fmt: skip
# In prose an apostrophe is no quote, and a bracket may stand open for lines.
_PROSE = frozenset(
    {"asciidoc", "git-commit", "gitcommit", "latex", "markdown", "plaintext", "restructuredtext", "text"}
)
# An apostrophe begins a name there, as in 'static.
_NO_SINGLE = frozenset({"clojure", "commonlisp", "elisp", "haskell", "lisp", "ocaml", "rust", "scheme"})


@dataclass(frozen=True, slots=True)
class _Line:
    """What is not in balance in a line.

    Attributes:
        n_open: brackets that are not closed.
        n_closed: closing brackets without an opening one.
        in_quotes: whether a quote is not closed.
    """

    n_open: int
    n_closed: int
    in_quotes: bool


def balanced(suggestion: str, line_before: str, rest_of_line: str, language_id: str) -> str:
    """The suggestion without closing brackets and quotes that the rest of the line has, and without open ones.

    Of one that leaves brackets open the longest part is returned that does not, and all of it where there is no such.

    Args:
        suggestion: a single line; one of several lines is returned as it is, as is one in prose.
        line_before: the cursor's line up to the cursor.
        rest_of_line: and from there on.
        language_id: LSP's name of the language.
    """
    if "\n" in suggestion or language_id in _PROSE:
        return suggestion
    now = _line(line_before + rest_of_line, language_id)
    closes_here = any(closer in rest_of_line for closer in _CLOSERS.values())

    def is_no_worse(text: str) -> bool:
        line = _line(line_before + text + rest_of_line, language_id)
        # Where nothing on this line closes a bracket of the lines above, the suggestion may.
        closes_twice = closes_here and line.n_closed > now.n_closed
        return line.n_open <= now.n_open and not closes_twice and line.in_quotes <= now.in_quotes

    return next(filter(is_no_worse, (suggestion, *_without_ends(suggestion), *shorter(suggestion))), suggestion)


def begins_in_quotes(line_before: str, language_id: str) -> bool:
    """Whether a string of this line is open at its end."""
    return _line(line_before, language_id).in_quotes


def _without_ends(text: str) -> Iterator[str]:
    while _ENDS.search(text):
        text = text[:-1].rstrip()
        if text.strip(_QUOTES):
            yield text


def _line(text: str, language_id: str) -> _Line:
    stack: list[str] = []
    n_closed = 0
    comment = _COMMENT.get(language_id)
    place = 0
    while place < len(text):
        character = text[place]
        if comment and text.startswith(comment, place):
            break
        if _is_quote(text, place, language_id):
            end = _end_of_quoted(text, place)
            if end is None:
                return _Line(len(stack), n_closed, in_quotes=True)
            place = end
            continue
        if character in _CLOSERS:
            stack.append(_CLOSERS[character])
        elif character in _CLOSERS.values():
            if stack and stack[-1] == character:
                stack.pop()
            else:
                n_closed += 1
        place += 1
    return _Line(len(stack), n_closed, in_quotes=False)


def _is_quote(text: str, place: int, language_id: str) -> bool:
    character = text[place]
    return character in _QUOTES and (character != "'" or language_id not in _NO_SINGLE)


def _end_of_quoted(text: str, start: int) -> int | None:
    """Where what begins with the quote at ``start`` is over; None where it is not."""
    quote = next((triple for triple in _TRIPLES if text.startswith(triple, start)), text[start])
    place = start + len(quote)
    while place < len(text):
        if text[place] == "\\":
            place += 2
        elif text.startswith(quote, place):
            return place + len(quote)
        else:
            place += 1
    return None
