"""Whether a place is in a string or a comment, finished or not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.syntax.window import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tree_sitter import Node

    from pylot_ls.syntax.parsing import Parsed

# Nodes within a string that hold code again.
_CODE = frozenset({"interpolation", "template_substitution"})
_NO_STRING = frozenset({"concatenated_string"})
_STRING_ENDINGS = ("string", "string_literal", "char_literal", "rune_literal", "character_literal")

_QUOTES = {
    "c": ('"', "'"),
    "cpp": ('"', "'"),
    "go": ('"', "`"),
    "java": ('"""', '"'),
    "javascript": ('"', "'", "`"),
    "javascriptreact": ('"', "'", "`"),
    "python": ('"""', "'''", '"', "'"),
    "rust": ('"',),
    "typescript": ('"', "'", "`"),
    "typescriptreact": ('"', "'", "`"),
}
_OVER_LINES = {"`", '"""', "'''"}


def is_in_comment(parsed: Parsed, before: str, parse: Callable[[str], Parsed | None]) -> bool:
    """Whether what is typed at the cursor belongs to a comment: at the end of one that a line's end ends, too.

    Args:
        parsed: the text.
        before: its part before the cursor.
        parse: parses another text.
    """
    cursor = len(encode(before))
    if any(is_comment(node) and _is_open_at(node, cursor, parsed.source) for node in _before(parsed, cursor)):
        return True
    if before.rfind("/*") <= before.rfind("*/"):
        return False
    closed = parse(before + "*/")
    return closed is not None and any(map(is_comment, closed.path_to(cursor)))


def is_in_string(parsed: Parsed, before: str, language_id: str, parse: Callable[[str], Parsed | None]) -> bool:
    """Whether what is typed at the cursor belongs to a string, and not to code within one.

    Args:
        parsed: the text.
        before: its part before the cursor.
        language_id: its language.
        parse: parses another text.
    """
    cursor = len(encode(before))
    if _is_string_around(_before(parsed, cursor), cursor):
        return True
    line = before.rpartition("\n")[2]
    for quote in _QUOTES[language_id]:
        is_tried = before.count(quote) % 2 == 1 if quote in _OVER_LINES else quote in line
        if is_tried and _closes(parse(before + quote), cursor, cursor + len(quote)):
            return True
    return False


def _before(parsed: Parsed, cursor: int) -> Sequence[Node]:
    return parsed.path_to(cursor - 1) if cursor else ()


def is_comment(node: Node) -> bool:
    """Whether it is a comment, of any kind."""
    return node.is_named and "comment" in node.type


def is_docstring(node: Node) -> bool:
    """Whether a string is a statement of its own at the beginning of a body."""
    if node.type != "string":
        return False
    statement = node.parent if node.parent is not None and node.parent.type == "expression_statement" else node
    holder = statement.parent
    if holder is None or holder.type not in {"block", "module"} or statement.named_child_count > 1:
        return False
    return holder.named_children[0].start_byte == node.start_byte


def _is_string(node: Node) -> bool:
    return node.is_named and node.type.endswith(_STRING_ENDINGS) and node.type not in _NO_STRING


def _is_open_at(comment: Node, cursor: int, source: bytes) -> bool:
    return cursor < comment.end_byte or not source[:cursor].endswith((b"*/", b"\n"))


def _is_string_around(path: Sequence[Node], cursor: int) -> bool:
    for node in reversed(path):
        last = node.children[-1] if _is_string(node) and node.child_count else None
        is_unfinished = last is not None and last.is_missing and node.end_byte == cursor
        if node.start_byte < cursor < node.end_byte or is_unfinished:
            if node.type in _CODE:
                return False
            if _is_string(node):
                return True
    return False


def _closes(parsed: Parsed | None, start: int, end: int) -> bool:
    """Whether a string that began before is ended by what stands there."""
    path = () if parsed is None else parsed.path_to(start)
    return any(_is_string(node) and node.start_byte < start and node.end_byte == end for node in path)
