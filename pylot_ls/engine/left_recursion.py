"""Rules of a grammar that begin with themselves, which llama.cpp would expand for ever. Pure.

llama.cpp looks for them itself, but misses those that stand behind what may be nothing by way of another rule.
"""

from __future__ import annotations

import graphlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a terminal is written as before rules are looked for: one that is never empty, and one that is.
TERMINAL, NOTHING = "\x01", "\x02"
_RULE = re.compile(r"([A-Za-z0-9-]+)[ \t\r\n]*::=")
_SIGN = re.compile(r"[A-Za-z0-9-]+|[()|*+?.\x01\x02]|<[^>]*>|\{\s*(\d*)[^}]*\}")


@dataclass(slots=True)
class _Group:
    """Alternatives, each a sequence of rules' names, groups and terminals, and whether each may be left out."""

    alternatives: list[list[tuple[str | _Group, bool]]] = field(default_factory=lambda: [[]])


def begins_with_itself(bare: str) -> str | None:
    """The name of a rule that may begin with itself; None where there is none.

    Args:
        bare: a grammar without comments, with ``TERMINAL`` or ``NOTHING`` in the place of each text and class. Of what
            is no grammar something is understood, or nothing.
    """
    rules = _rules_of(bare)
    empty = _empty_rules(rules)
    # What may stand at the beginning of each rule.
    starts = {name: sorted(_starts(body, empty) & rules.keys()) for name, body in rules.items()}
    try:
        graphlib.TopologicalSorter(starts).prepare()
    except graphlib.CycleError as error:
        return str(error.args[1][0])
    return None


def _empty_rules(rules: dict[str, _Group]) -> set[str]:
    """The rules that may generate nothing."""
    mentions: dict[str, set[str]] = {}
    for name, body in rules.items():
        for each in _names(body):
            mentions.setdefault(each, set()).add(name)
    empty: set[str] = set()
    asked = set(rules)
    while asked:
        found = {name for name in asked if name not in empty and _may_be_empty(rules[name], empty)}
        empty |= found
        # Of those alone that mention what has turned out to be empty can more be known now.
        asked = set().union(*(mentions.get(name, ()) for name in found)) - empty
    return empty


def _names(item: str | _Group) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    else:
        for one in item.alternatives:
            for each, _ in one:
                yield from _names(each)


def _rules_of(bare: str) -> dict[str, _Group]:
    parts = _RULE.split(bare)
    return {name: _parsed(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _parsed(body: str) -> _Group:
    open_groups = [_Group()]
    for found in _SIGN.finditer(body):
        sign = found[0]
        sequence = open_groups[-1].alternatives[-1]
        if sign == "(":
            open_groups.append(_Group())
        elif sign == ")":
            if len(open_groups) > 1:
                group = open_groups.pop()
                open_groups[-1].alternatives[-1].append((group, False))
        elif sign == "|":
            open_groups[-1].alternatives.append([])
        elif sign[0] in "*+?{":
            # At least none: what is repeated may be left out.
            if sequence and (sign in "*?" or (sign[0] == "{" and not int(found[1][:9] or 0))):
                sequence[-1] = (sequence[-1][0], True)
        else:
            sequence.append((sign, sign == NOTHING))
    return open_groups[0]


def _may_be_empty(item: str | _Group, empty: set[str]) -> bool:
    if isinstance(item, str):
        return item in empty
    return any(all(skips or _may_be_empty(each, empty) for each, skips in one) for one in item.alternatives)


def _starts(group: _Group, empty: set[str]) -> set[str]:
    """The rules that may stand at a group's beginning."""
    found: set[str] = set()
    for sequence in group.alternatives:
        for item, skips in sequence:
            found |= {item} if isinstance(item, str) else _starts(item, empty)
            if not (skips or _may_be_empty(item, empty)):
                break
    return found
