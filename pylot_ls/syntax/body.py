"""Bodies, blocks and brackets with nothing in them yet. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from pylot_ls.syntax.parsing import Parsed

CLOSERS = {"(": ")", "[": "]", "{": "}"}

# A colon that ends a header, as in "def f():" and "case 1:", belongs to one of these; a dictionary's does not.
_HEADERS = ("_definition", "_statement", "_clause", "_case", "_default", "_group")
_HEADER = re.compile(rb"\s*(async|case|class|def|elif|else|except|finally|for|if|match|try|while|with)\b")
# A brace that begins a block and no value, where the line is unfinished or is the block's own.
_BLOCK = re.compile(r"(?:[)>]|\b(?!return\b|yield\b|await\b|in\b)\w+)\s*\{\Z")
_TAB_WIDTH = 4


@dataclass(frozen=True, slots=True)
class EmptyBody:
    """A place for the lines of a body that has none.

    Attributes:
        indent: columns that its lines are indented by at least, from 0.
        closer: the bracket that is still to end it, "" where none is.
    """

    indent: int
    closer: str


def empty_body(parsed: Parsed, cursor: int, *, has_braces: bool) -> EmptyBody | None:
    """The body that the cursor is in, if nothing but comments or a docstring is in it; None where there is none.

    Args:
        parsed: the text.
        cursor: where that is, in bytes.
        has_braces: whether the language's blocks are in braces.
    """
    source = parsed.source
    line_before = source[source.rfind(b"\n", 0, cursor) + 1 : cursor].decode("utf-8")
    if source[cursor:].partition(b"\n")[0].strip():
        return None
    path, following = _token_before(parsed, cursor), _token_after(parsed, cursor)
    if not path:
        return None
    token, is_own_line = path[-1], not line_before.strip()
    outer = _indent(source, path[-2].start_byte if _ends_header(path, source) else token.start_byte)
    following_indent = _indent(source, following.start_byte) if following else -1
    own = _width(line_before) if is_own_line else 0
    indent = own if own > outer else outer + 1
    if _ends_header(path, source):
        return EmptyBody(indent, "") if following_indent <= outer else None
    closer = CLOSERS.get(token.type)
    if closer is None or not (is_own_line or (has_braces and _BLOCK.search(line_before.rstrip()))):
        return None
    if following is not None and following.type == closer and following_indent >= outer:
        # The bracket ends it, so that its lines need not be indented, as those of a namespace are often not.
        return EmptyBody(own if has_braces and is_own_line and own == outer else indent, "")
    return EmptyBody(indent, closer) if following_indent <= outer else None


def _ends_header(path: Sequence[Node], source: bytes) -> bool:
    token, parent = path[-1], path[-2]
    if token.type != ":":
        return False
    line = source[source.rfind(b"\n", 0, token.start_byte) + 1 : token.start_byte]
    before = token.prev_sibling
    is_access = before is not None and before.type == "access_specifier"
    return is_access or parent.type.endswith(_HEADERS) or (parent.is_error and bool(_HEADER.match(line)))


def _token_before(parsed: Parsed, cursor: int) -> Sequence[Node]:
    """The path to the last token before the cursor that is no part of a comment or of a docstring; () for none."""
    while (end := len(parsed.source[:cursor].rstrip())) > 0:
        path = parsed.path_to(end - 1)
        ignored = next((node for number, node in enumerate(path) if _is_ignored(path, number)), None)
        if ignored is None:
            return path if len(path) > 1 else ()
        cursor = ignored.start_byte
    return ()


def _token_after(parsed: Parsed, cursor: int) -> Node | None:
    source = parsed.source
    while (start := len(source) - len(source[cursor:].lstrip())) < len(source):
        path = parsed.path_to(start)
        comment = next((node for node in path if "comment" in node.type), None)
        if comment is None:
            return path[-1] if path else None
        cursor = max(comment.end_byte, start + 1)
    return None


def _is_ignored(path: Sequence[Node], number: int) -> bool:
    node = path[number]
    if node.type == "string" and number >= 2:  # noqa: PLR2004 - the block, the statement, the string
        statement, block = path[number - 1], path[number - 2]
        return statement.type == "expression_statement" and block.type == "block" and _are_one_start(statement, block)
    return "comment" in node.type


def _are_one_start(one: Node, other: Node) -> bool:
    return one.start_byte == other.start_byte


def _indent(source: bytes, offset: int) -> int:
    """Columns of white space before the line that an offset is in."""
    start = source.rfind(b"\n", 0, offset) + 1
    return _width(source[start:offset].decode("utf-8"))


def _width(line: str) -> int:
    expanded = line.expandtabs(_TAB_WIDTH)
    return len(expanded) - len(expanded.lstrip(" "))
