"""Rules of a grammar as they are collected, JSON's own among them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pylot_ls.errors import RequestError
from pylot_ls.prompts.digits import MOST_DIGITS
from pylot_ls.prompts.grammars import literal

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_RULES = 1000

# JSON, RFC 8259.
PRIMITIVES = {
    "char": r"""[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})""",
    "string": r'''"\"" char* "\""''',
    "digits": f'"0" | [1-9] [0-9]{{0,{MOST_DIGITS - 1}}}',
    "whole": '"-"? digits',
    "natural": f'digits ("." [0-9]{{1,{MOST_DIGITS}}})? ([eE] [-+]? [0-9]{{1,3}})?',
    "number": '"-"? natural',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "member": 'string ": " value',
    "object": '"{" (member (", " member)*)? "}"',
    "array": '"[" (value (", " value)*)? "]"',
    "value": "object | array | string | number | boolean | null",
    "date": '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [1-2] [0-9] | "3" [0-1])',
    "time": '([0-1] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? '
    '("Z" | [+-] ([0-1] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
    "uuid": '[0-9a-fA-F]{8} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{12}',
}
_NEEDS = {
    "string": ("char",),
    "whole": ("digits",),
    "natural": ("digits",),
    "number": ("natural",),
    "member": ("string", "value"),
    "object": ("member",),
    "array": ("value",),
    "value": ("object", "array", "string", "number", "boolean", "null"),
}


class RuleBook:
    """The rules of one grammar.

    Attributes:
        rules: by name.
    """

    def __init__(self) -> None:
        self.rules: dict[str, str] = {}

    def grammar(self, root: str) -> str:
        """The grammar whose root is an expression of these rules."""
        return "".join(f"{name} ::= {text}\n" for name, text in {"root": root, **self.rules}.items())

    def primitive(self, name: str) -> str:
        """The name of one of JSON's own rules."""
        if name not in self.rules:
            self.rules[name] = PRIMITIVES[name]
            for needed in _NEEDS.get(name, ()):
                self.primitive(needed)
        return name

    def named(self, text: str) -> str:
        """An expression as a rule of its own; its name."""
        name = f"r{len(self.rules)}"
        self.add(name, text)
        return name

    def add(self, name: str, text: str) -> None:
        """Take in a rule.

        Raises:
            RequestError: there are too many.
        """
        if len(self.rules) >= _MOST_RULES:
            raise RequestError(f"the schema takes more than {_MOST_RULES} rules; make it smaller")
        self.rules[name] = text


def json_literal(value: Any) -> str:
    """A value as JSON writes it, as a literal.

    Raises:
        RequestError: JSON has no such value.
    """
    try:
        return literal(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError as error:
        raise RequestError("a value in the schema is none of JSON's") from error


def either(choices: Iterable[str]) -> str:
    """One of some expressions."""
    found = list(dict.fromkeys(choices))
    return found[0] if len(found) == 1 and " | " not in found[0] else f"({' | '.join(found)})"


def times(text: str, least: int, most: int | None) -> str:
    """An expression several times; None for any number."""
    one = text if " " not in text else f"({text})"
    if most is None:
        return f"{one}*" if not least else f"{one}{{{least},}}"
    return f"{one}{{{least},{most}}}" if most else ""
