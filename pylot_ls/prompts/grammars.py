r"""Grammars that answers are bound to, in GBNF, so that a small model cannot break their form. Pure.

What they generate is bounded, so that an answer that is allowed as many tokens as characters is always complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_NAME_CHARACTERS = 64
_NAME = f"name ::= [A-Za-z_] [A-Za-z0-9_]{{0,{MOST_NAME_CHARACTERS - 1}}}\n"
# JSON, RFC 8259: a string's characters.
_CHARACTER = r"""character ::= [^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})""" + "\n"

IDENTIFIER = f"root ::= name\n{_NAME}"
"""One name, of ASCII letters, digits and underscores."""


def names(most: int) -> str:
    """From one to ``most`` names, each on a line of its own."""
    return f'root ::= name ("\\n" name){{0,{most - 1}}}\n{_NAME}'


def one_of(choices: Sequence[str]) -> str:
    """Exactly one of some texts."""
    return f"root ::= {' | '.join(map(literal, choices))}\n"


def code_block(language: str) -> str:
    """A fenced block of code of a language, as in Markdown; no line in it begins with three backticks."""
    return (
        f'root ::= {literal(f"```{language}")} "\\n" line+ "```"\nline ::= ("`"{{0,2}} [^`\\r\\n] [^\\r\\n]*)? "\\n"\n'
    )


def json_name(key: str) -> str:
    """``{"key": "name"}`` with one name, as ``IDENTIFIER`` has it."""
    return f'root ::= {literal(f"{{{_quoted(key)}: ")} "\\"" name "\\"}}"\n{_NAME}'


def json_text(key: str, most: int) -> str:
    """``{"key": "text"}`` with a text of one to ``most`` characters, as JSON writes it."""
    return f'root ::= {literal(f"{{{_quoted(key)}: ")} "\\"" character{{1,{most}}} "\\"}}"\n{_CHARACTER}'


def literal(text: str) -> str:
    """A text as a literal of GBNF."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _quoted(key: str) -> str:
    return '"' + "".join(f"\\{each}" if each in '"\\' else each for each in key) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"
