"""Grammars as regular expressions, so that what they generate can be looked at without a model."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|[()|*+?]|[A-Za-z][A-Za-z0-9-]*')
_DEEPEST = 10


def regex_of(grammar: str) -> re.Pattern[str]:
    """What a grammar generates; rules that lead to themselves are followed a few times."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    return re.compile(_expanded("root", rules, 0))


def _expanded(name, rules, depth):
    if depth > _DEEPEST:
        return "(?!)"
    return f"(?:{''.join(_part(token, rules, depth) for token in _TOKEN.findall(rules[name]))})"


def _part(token, rules, depth):
    if token[0] == '"':
        text = token[1:-1].encode().decode("unicode_escape") if "\\" in token else token[1:-1]
        return f"(?:{re.escape(text)})"
    if token[0] == "[":
        return token
    if token[0].isalpha():
        return _expanded(token, rules, depth + 1)
    return "(?:" if token == "(" else token
