"""Expressions in code: the smallest one at a place where no name is. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pylot_ls.syntax.definitions import Span
from pylot_ls.syntax.inside import is_comment, is_docstring

if TYPE_CHECKING:
    from tree_sitter import Node

    from pylot_ls.syntax.parsing import Parsed

# The grammars say binary_operator or binary_expression, integer or number_literal, call or call_expression, and so on.
_EXPRESSION = re.compile(
    r"""\w+_(?:expression|operator|literal|comprehension|invocation|string)
    | string | integer | float | number | regex | true | false | none | null | undefined | ellipsis
    | call | subscript | attribute | array_access | slice | lambda | await | list | dictionary | set | tuple | array
    | object | assignment | augmented_assignment""",
    re.VERBOSE,
)


def expression_at(parsed: Parsed, offset: int) -> Span | None:
    """The smallest expression of which a character, given in bytes, is part, in characters.

    An operator and a bracket stand for what they are of. None in white space, in comments and documentation, and for
    what makes no value: keywords and marks of statements.
    """
    path = parsed.path_to(offset)
    if not parsed.source[offset : offset + 1].strip() or any(map(_is_prose, path)):
        return None
    for node in reversed(path):
        if _holds_statements(node):
            break
        if node.is_named and _EXPRESSION.fullmatch(node.type):
            return _span(parsed, node)
    return None


def _holds_statements(node: Node) -> bool:
    return node.type.endswith(("block", "body", "_definition", "_declaration", "_item", "statement_list"))


def _is_prose(node: Node) -> bool:
    return is_comment(node) or is_docstring(node)


def _span(parsed: Parsed, node: Node) -> Span:
    start = len(parsed.source[: node.start_byte].decode("utf-8", "replace"))
    return Span(start, start + len(parsed.source[node.start_byte : node.end_byte].decode("utf-8", "replace")))
